"""`analyze` over composed clips: what happens is found, when it happens, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from analyzers.enrolment import EnrolmentRefused
from analyzers.offline import Report, UnreadableMedia, analyze
from analyzers.perception import Perception
from analyzers.render import CannotRender
from core.kinds import Kind
from simulation.clips import Clip
from tests.support.packets import clip_or_skip

ALONGSIDE = {
    "other": {"no_face"},  # for a moment nobody sits there
    "voices": {"speech"},
}
"""Kinds that may be found beside the truth of a clip."""
LATE_S = 4.5
"""An incident begins within this of the truth; frozen and virtual cameras want to be watched for a while."""


@pytest.fixture(scope="module")
def perception() -> Perception:
    return Perception()


def analyzed(clip: Clip, perception: Perception) -> Report:
    return analyze(clip.video, enrolled=clip.enrolment, perception=perception)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["normal", "absent", "second", "other", "phone", "voices", "covered"])
def test_what_happens_in_a_clip_is_found_and_nothing_else(name: str, perception: Perception) -> None:
    clip = clip_or_skip(name)
    report = analyzed(clip, perception)
    true_kinds = {span.kind.value for span in clip.events}
    found = {incident.kind for incident in report.incidents}
    assert true_kinds <= found
    assert found <= true_kinds | ALONGSIDE.get(name, set())
    for span in clip.events:
        near = [
            incident
            for incident in report.incidents
            if incident.kind == span.kind.value
            and incident.start_s - LATE_S <= span.start <= incident.end_s
            and abs(min(incident.end_s, span.end) - span.end) < LATE_S
        ]
        assert near, span


def test_the_report_is_the_documented_json(perception: Perception) -> None:
    report = analyzed(clip_or_skip("phone"), perception)
    as_json = json.loads(json.dumps(report.to_json()))
    assert as_json.keys() == {"seconds", "frames", "incidents"}
    assert as_json["frames"] == 480
    assert as_json["seconds"] == pytest.approx(32.0, abs=0.2)
    (phone,) = as_json["incidents"]
    assert phone.keys() == {"kind", "severity", "start_s", "end_s", "confidence"}
    assert (phone["kind"], phone["severity"]) == (Kind.PHONE.value, "high")


def test_progress_runs_to_the_end_and_the_annotated_video_plays(
    perception: Perception, tmp_path: Path
) -> None:
    told: list[tuple[float, float]] = []
    out = tmp_path / "annotated.webm"
    clip = clip_or_skip("covered")
    analyze(clip.video, render=out, progress=lambda *done: told.append(done), perception=perception)
    assert told[-1] == pytest.approx((32.0, 32.0), abs=0.2)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    with av.open(str(out)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        frames = list(container.decode(video=0))
    assert len(frames) == 480
    red = frames[15 * 15].to_ndarray(format="bgr24").astype(int)[455:475, :120]
    assert ((red[..., 2] - red[..., 0]) > 60).sum() > 300, "the alert is written in while it lasts"


def test_a_file_with_sound_alone_is_listened_to(perception: Perception, tmp_path: Path) -> None:
    clip = clip_or_skip("speech")
    report = analyze(clip.microphone(), perception=perception)
    assert [incident.kind for incident in report.incidents] == ["speech"]
    assert report.frames == 0


def test_what_cannot_be_read_is_said(perception: Perception, tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match="no such file"):
        analyze(tmp_path / "missing.webm", perception=perception)
    nonsense = tmp_path / "nonsense.webm"
    nonsense.write_bytes(b"nonsense" * 100)
    with pytest.raises(UnreadableMedia, match="not a video"):
        analyze(nonsense, perception=perception)


def test_an_enrolment_picture_that_cannot_be_used_is_said(perception: Perception, tmp_path: Path) -> None:
    clip = clip_or_skip("normal")
    with pytest.raises(UnreadableMedia, match="No such file"):
        analyze(clip.video, enrolled=tmp_path / "missing.jpg", perception=perception)
    nonsense = tmp_path / "nonsense.jpg"
    nonsense.write_bytes(b"nonsense")
    with pytest.raises(EnrolmentRefused, match="not a picture"):
        analyze(clip.video, enrolled=nonsense, perception=perception)


@pytest.mark.parametrize(("name", "why"), [("out.avi", "end with"), ("no/such/place.webm", "No such file")])
def test_a_place_that_cannot_be_written_to_is_said(
    perception: Perception, tmp_path: Path, name: str, why: str
) -> None:
    with pytest.raises(CannotRender, match=why):
        analyze(clip_or_skip("normal").video, render=tmp_path / name, perception=perception)
