"""False alarms: how many alerts an hour of footage raises on which nothing happens.

The calm beginning of each clip, over and over (each repeat is a small jump in the picture, as on a bad
line), looked at by the very detectors, dwell and tracker of the live system.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from analyzers.offline import Report, analyze
from analyzers.perception import Perception
from core.kinds import Severity
from media_server.codecs import is_keyframe
from media_server.frames import EncodedFrame, TrackRole
from media_server.segment_file import SegmentName, SegmentWriter, VideoFormat
from simulation import clips, reel

CLIPS = ("normal", "absent", "second", "other", "phone", "speech")
"""Six different people, as far as their pictures can be had."""
_CAMERA = VideoFormat("vp8", 640, 480)

Told = Callable[[str], None]


class Quiet(msgspec.Struct, frozen=True):
    """What clean footage raised."""

    student_hours: float
    people: int
    alerts: int
    detections: int
    """Noticed, on record, interrupting nobody."""
    alerts_per_student_hour: float
    kinds: dict[str, int]
    times_real_time: float
    """Media seconds looked at in a second of this machine."""


def measure_quiet(hours: float, told: Told) -> Quiet:
    """Blocks for minutes. Raises MissingMedia."""
    perception = Perception()
    names = [name for name in CLIPS if name in clips.obtainable()]
    reports: list[Report] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="invigil-quiet-") as directory:
        for name in names:
            told(f"clean footage: {name}")
            clip = clips.ensure(name)
            path = _footage(clip, hours * 3600 / len(names), Path(directory))
            reports.append(analyze(path, enrolled=clip.enrolment, perception=perception))
            path.unlink()
    return _summary(reports, time.monotonic() - began)


def _summary(reports: list[Report], took_s: float) -> Quiet:
    incidents = [incident for report in reports for incident in report.incidents]
    alerts = sum(Severity(incident.severity).is_alert for incident in incidents)
    seconds = sum(report.seconds for report in reports)
    kinds: dict[str, int] = {}
    for incident in incidents:
        kinds[incident.kind] = kinds.get(incident.kind, 0) + 1
    return Quiet(
        student_hours=round(seconds / 3600, 2),
        people=len(reports),
        alerts=alerts,
        detections=len(incidents) - alerts,
        alerts_per_student_hour=round(alerts * 3600 / seconds, 2),
        kinds=kinds,
        times_real_time=round(seconds / took_s, 1),
    )


def _footage(clip: clips.Clip, seconds: float, directory: Path) -> Path:
    """The clip's calm part repeated to the length wanted, not encoded again."""
    name = SegmentName("main", 0, 0, _CAMERA.suffix)
    writer = SegmentWriter(directory, name, _CAMERA, sound=True)
    for frame in _calm_frames(reel.load(clip), clip.calm_s, seconds):
        writer.write(frame)
    writer.commit()
    return directory / str(name)


def _calm_frames(whole: reel.Reel, calm_s: float, seconds: float) -> Iterator[EncodedFrame]:
    """In order of time; every repeat begins at the clip's first keyframe."""
    for repeat in range(int(seconds / calm_s) + 1):
        frames = []
        for role in (TrackRole.MAIN, TrackRole.AUDIO):
            strip = whole.strips[role]
            for index in range(min(int(calm_s / strip.step), len(strip.packets))):
                data, at = strip.packets[index], repeat * calm_s + index * strip.step
                keyframe = is_keyframe(strip.codec, data)
                frames.append(EncodedFrame(role, strip.codec, data, 0, at, keyframe))
        yield from sorted(frames, key=lambda frame: frame.captured_at)
