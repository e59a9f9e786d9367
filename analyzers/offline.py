"""The very same detectors, dwell and tracker over a media file, by media time: `invigil analyze`.

Pictures are sampled at the rates of the live system, so the answer is what a proctor would have been
told, and it comes faster than real time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import av
import numpy as np
from numpy.typing import NDArray

from analyzers.annotate import draw
from analyzers.decode import CHUNK_SAMPLES, Picture
from analyzers.perception import Perception
from analyzers.pipeline import StudentPipeline
from analyzers.render import Renderer
from analyzers.tracker import IncidentChange, IncidentTracker
from core.errors import ProctorError
from core.findings import Finding
from core.incidents import Incident
from core.samples import SAMPLE_RATE, AudioChunk
from transport.messages import StudentProfile

Progress = Callable[[float, float], None]
"""Called with media seconds done and in all (0 where the file does not say)."""


class UnreadableMedia(ProctorError):
    id: ClassVar[str] = "unreadable-media"
    status: ClassVar[int] = 422
    sentence: ClassVar[str] = "{path} cannot be analysed: {reason}"


@dataclass(frozen=True, slots=True)
class ReportedIncident:
    kind: str
    severity: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Report:
    """What `invigil analyze --json` prints."""

    seconds: float
    frames: int
    """Decoded; sampled ones are fewer."""
    incidents: tuple[ReportedIncident, ...]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "incidents": [asdict(incident) for incident in self.incidents]}


def analyze(
    path: Path | str,
    enrolled: Path | str | None = None,
    render: Path | str | None = None,
    progress: Progress | None = None,
    perception: Perception | None = None,
) -> Report:
    """Look at and listen to a file. `enrolled`: a picture of the person who should be in it;
    `render`: write the annotated video here (.webm or .mp4).

    Raises UnreadableMedia, EnrolmentRefused, EngineUnavailable.
    """
    perception = perception or Perception()
    pipeline = perception.student(_profile(perception, enrolled))
    with _opened(Path(path)) as container:
        renderer = Renderer(Path(render), container) if render else None
        run = _Run(pipeline, renderer)
        total = (container.duration or 0) / 1_000_000
        try:
            for at in run.through(container):
                if progress:
                    progress(at, total)
        finally:
            if renderer:
                renderer.close()
    return run.report()


def _profile(perception: Perception, enrolled: Path | str | None) -> StudentProfile:
    if enrolled is None:
        return StudentProfile(attempt_id="file")
    try:
        picture = Path(enrolled).read_bytes()
    except OSError as error:
        raise UnreadableMedia(path=enrolled, reason=f"{error.strerror}.") from error
    enrolment, _ = perception.enrol(picture)
    return StudentProfile(attempt_id="file", face_embeddings=[enrolment.embedding.tolist()])


def _opened(path: Path) -> av.container.InputContainer:
    if not path.is_file():
        raise UnreadableMedia(path=path, reason="there is no such file.")
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise UnreadableMedia(path=path, reason="it is not a video that can be read.") from error
    if not container.streams.video and not container.streams.audio:
        raise UnreadableMedia(path=path, reason="there is neither picture nor sound in it.")
    for stream in (*container.streams.video, *container.streams.audio):
        stream.codec_context.thread_count = 1
    return container


class _Run:
    """One pass through a file."""

    def __init__(self, pipeline: StudentPipeline, renderer: Renderer | None) -> None:
        self._pipeline = pipeline
        self._renderer = renderer
        self._tracker = IncidentTracker("file")
        self._incidents: dict[str, Incident] = {}
        self._sound = _SoundReader()
        self._start: float | None = None
        self._at = 0.0
        self._frames = 0

    def through(self, container: av.container.InputContainer) -> Iterator[float]:
        """Media seconds done, as it goes."""
        streams = [*container.streams.video[:1], *container.streams.audio[:1]]
        for packet in container.demux(*streams):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue  # a broken packet; the next one may be whole
            for frame in frames:
                self._take(frame)
            yield self._at
        self._feed(self._pipeline.close(self._at))
        self._keep(self._tracker.close_all(self._at))

    def report(self) -> Report:
        incidents = sorted(self._incidents.values(), key=lambda one: one.started_at)
        return Report(round(self._at, 2), self._frames, tuple(_reported(one) for one in incidents))

    def _take(self, frame: object) -> None:
        if isinstance(frame, av.VideoFrame):
            at = self._media_time(frame.time)
            self._frames += 1
            self._see(Picture(frame, at))
            self._at = max(self._at, at + _duration(frame))
        elif isinstance(frame, av.AudioFrame):
            at = self._media_time(frame.time)
            if self._renderer:
                self._renderer.hear(frame)
            for chunk in self._sound.read(frame, at):
                self._feed(self._pipeline.listen(chunk))
            self._at = max(self._at, at + frame.samples / frame.sample_rate)
        self._feed(self._pipeline.tick(self._at))
        self._keep(self._tracker.tick(self._at))

    def _media_time(self, time: float | None) -> float:
        """From 0; frames without a time follow the one before."""
        if time is None:
            return self._at
        if self._start is None:
            self._start = min(time, 0.0) if time < 1.0 else time
        return max(0.0, time - self._start)

    def _see(self, picture: Picture) -> None:
        due = self._pipeline.due(picture.at)
        if not due and self._renderer is None:
            return
        sample = picture.sample()
        if due:
            self._feed(self._pipeline.look(sample))
        if self._renderer:
            alerts = sorted(kind.value.replace("_", " ") for kind in self._pipeline.open)
            self._renderer.show(draw(sample.image, self._pipeline.drawing(picture.at), alerts), picture.at)

    def _feed(self, findings: list[Finding]) -> None:
        for finding in findings:
            self._keep(self._tracker.feed(finding))

    def _keep(self, changes: list[IncidentChange]) -> None:
        for change in changes:
            self._incidents[change.incident.id] = change.incident


def _reported(incident: Incident) -> ReportedIncident:
    ended_at = incident.started_at if incident.ended_at is None else incident.ended_at
    return ReportedIncident(
        incident.kind.value,
        incident.severity.value,
        round(incident.started_at, 2),
        round(ended_at, 2),
        round(incident.confidence, 3),
    )


def _duration(frame: av.VideoFrame) -> float:
    if frame.duration and frame.time_base:
        return float(frame.duration * frame.time_base)
    return 0.0


class _SoundReader:
    """Audio frames of any format in, half seconds of mono at 16 kHz out."""

    def __init__(self) -> None:
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        self._rest: NDArray[np.int16] = np.zeros(0, np.int16)
        self._at = 0.0

    def read(self, frame: av.AudioFrame, at: float) -> Iterator[AudioChunk]:
        if len(self._rest) == 0:
            self._at = at
        frame.pts = None
        parts = [part.to_ndarray().reshape(-1).astype(np.int16) for part in self._resampler.resample(frame)]
        self._rest = np.concatenate([self._rest, *parts])
        while len(self._rest) >= CHUNK_SAMPLES:
            chunk, self._rest = self._rest[:CHUNK_SAMPLES], self._rest[CHUNK_SAMPLES:]
            yield AudioChunk(self._at, chunk)
            self._at += CHUNK_SAMPLES / SAMPLE_RATE
