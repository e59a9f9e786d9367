"""One live student in the analysis process: packets in, reports out.

Synchronous; one thread works here. What it says goes through `say` and never waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from analyzers.annotate import AnnotatedEncoder, draw, jpeg
from analyzers.decode import AudioDecoder, Picture, VideoDecoder
from analyzers.pipeline import StudentPipeline
from core.findings import Blindness, Finding, Phase
from core.samples import VideoSample
from transport.messages import (
    AnnotatedPacket,
    AnyMessage,
    FindingReport,
    KeyframeWanted,
    Overlay,
    Packet,
    Sight,
    Thumbnail,
)

ANNOTATED_FPS = 10
SIGHT_EVERY_S = 5.0
THUMBNAIL_EVERY_S = 10.0
THUMBNAIL_WIDTH = 160
KEYFRAME_EVERY_S = 1.0
"""A keyframe is asked for no more often."""

Say = Callable[[AnyMessage], None]


class LiveStudent:
    """Decoders, the newest picture, the pipeline, and who wants to see what."""

    def __init__(self, attempt_id: str, pipeline: StudentPipeline, say: Say) -> None:
        self.attempt_id = attempt_id
        self.pipeline = pipeline
        self.overlay_wanted = False
        self.counters: Counter[str] = Counter()
        self._say = say
        self._video: VideoDecoder | None = None
        self._audio = AudioDecoder()
        self._newest: Picture | None = None
        self._sample: VideoSample | None = None
        self._looked = True
        self._asked_at = float("-inf")
        self._annotated: AnnotatedEncoder | None = None
        self._annotated_at = float("-inf")
        self._shown: dict[str, float] = {}
        """Finding id -> the confidence its last evidence picture had."""
        self._sight_at = float("-inf")
        self._blind: dict[str, Blindness] = {}
        self._thumbnail_at = float("-inf")

    # Packets.

    def packet(self, packet: Packet, now: float) -> None:
        if packet.role == "audio":
            self._hear(packet)
        elif packet.role == "main":
            self._see(packet, now)

    def interrupt(self, now: float) -> None:
        """Packets are missing: wait for a keyframe, and ask for it."""
        if self._video is not None:
            self._video.interrupt()
        self._audio.interrupt()
        self._newest, self._sample, self._looked = None, None, True
        self.pipeline.interrupt()
        self._ask_keyframe(now)

    def _see(self, packet: Packet, now: float) -> None:
        if self._video is None or self._video.codec != packet.codec:
            self._video = VideoDecoder(packet.codec)
        errors = self._video.errors
        picture = self._video.decode(
            packet.data, keyframe=packet.keyframe, at=packet.captured_at, rtp_timestamp=packet.rtp_timestamp
        )
        self.counters["decode.errors"] += self._video.errors - errors
        if self._video.wants_keyframe:
            self._ask_keyframe(now)
        if picture is None:
            return
        self.counters["frames.decoded"] += 1
        self.pipeline.arrived(picture.at)
        if self.ready:
            self.counters["frames.dropped"] += 1
        self._newest, self._sample, self._looked = picture, None, False
        self._annotate(picture)

    def _hear(self, packet: Packet) -> None:
        errors = self._audio.errors
        chunks = self._audio.decode(packet.data, at=packet.captured_at, rtp_timestamp=packet.rtp_timestamp)
        self.counters["decode.errors"] += self._audio.errors - errors
        for chunk in chunks:
            self.counters["looks.speech"] += 1
            self._report(self.pipeline.listen(chunk))

    def _ask_keyframe(self, now: float) -> None:
        if now - self._asked_at >= KEYFRAME_EVERY_S:
            self._asked_at = now
            self.counters["keyframes.asked"] += 1
            self._say(KeyframeWanted(self.attempt_id, "main"))

    # Looking.

    @property
    def ready(self) -> bool:
        """Whether there is a picture that a detector wants to look at."""
        return not self._looked and self._newest is not None and self.pipeline.due(self._newest.at)

    def look(self) -> float:
        """Let the detectors look at the newest picture; when that was taken."""
        sample = self._newest_sample()
        assert sample is not None
        self._looked = True
        for name in self.pipeline.schedule.due(sample.at):
            self.counters[f"looks.{name}"] += 1
        self._report(self.pipeline.look(sample))
        if self.overlay_wanted:
            self._tell_overlay(sample)
        return sample.at

    def _newest_sample(self) -> VideoSample | None:
        """The newest picture, converted once."""
        if self._sample is None and self._newest is not None:
            self._sample = self._newest.sample()
        return self._sample

    def _tell_overlay(self, sample: VideoSample) -> None:
        drawing = self.pipeline.drawing(sample.at)
        self._say(
            Overlay(
                self.attempt_id,
                sample.rtp_timestamp or 0,
                list(drawing.boxes),
                list(drawing.points),
                drawing.gaze,
            )
        )

    # Telling.

    def tick(self, now: float) -> None:
        """Twice a second or so: what times out, what is seen now, a thumbnail."""
        self._report(self.pipeline.tick(now))
        sight = self.pipeline.sight(now)
        if sight.blind != self._blind or now - self._sight_at >= SIGHT_EVERY_S:
            self._blind, self._sight_at = dict(sight.blind), now
            self._say(
                Sight(
                    self.attempt_id,
                    blind=self._blind,
                    running=list(sight.running),
                    scores=dict(sight.scores),
                    looks_per_second=dict(sight.looks_per_second),
                )
            )
        self._tell_thumbnail(now)

    def crashed(self, pipeline: StudentPipeline, now: float) -> None:
        """A detector failed: go on with a fresh pipeline, and say that there is a gap."""
        running = list(self.pipeline.running)
        blind = dict.fromkeys(running, Blindness.CRASHED)
        self._say(Sight(self.attempt_id, blind=blind, running=running, scores={}, looks_per_second={}))
        self._report(self.pipeline.close(now))
        self._blind, self._sight_at = blind, now
        self.pipeline = pipeline
        self.interrupt(now)

    def change(self, pipeline: StudentPipeline) -> None:
        """The profile has changed; what was found goes on."""
        pipeline.adopt(self.pipeline)
        self.pipeline = pipeline

    def close(self, now: float) -> None:
        self._report(self.pipeline.close(now))

    def _report(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._say(FindingReport(self.attempt_id, finding, self._evidence(finding)))

    def _evidence(self, finding: Finding) -> bytes | None:
        """A picture where there is a new one that speaks louder than the last."""
        if finding.phase is Phase.END:
            self._shown.pop(finding.id, None)
            return None
        if finding.confidence <= self._shown.get(finding.id, 0.0):
            return None
        sample = self._newest_sample()
        if sample is None:
            return None
        self._shown[finding.id] = finding.confidence
        label = finding.kind.value.replace("_", " ")
        return jpeg(draw(sample.image, self.pipeline.drawing(sample.at), [label]))

    def _tell_thumbnail(self, now: float) -> None:
        if now - self._thumbnail_at < THUMBNAIL_EVERY_S:
            return
        sample = self._newest_sample()
        if sample is not None:
            self._thumbnail_at = now
            data = jpeg(sample.image, width=THUMBNAIL_WIDTH, quality=70)
            self._say(Thumbnail(self.attempt_id, sample.at, data))

    # The annotated track.

    def want_annotated(self, wanted: bool) -> None:
        """Somebody watches it, or nobody does any more."""
        if wanted and self._annotated is None:
            self._annotated = AnnotatedEncoder(fps=ANNOTATED_FPS)
        elif not wanted:
            self._annotated = None

    def want_annotated_keyframe(self) -> None:
        if self._annotated is not None:
            self._annotated.want_keyframe()

    def _annotate(self, picture: Picture) -> None:
        if self._annotated is None or picture.at - self._annotated_at < 0.9 / ANNOTATED_FPS:
            return
        self._annotated_at = picture.at
        sample = self._newest_sample()
        assert sample is not None
        alerts = sorted(kind.value.replace("_", " ") for kind in self.pipeline.open)
        encoded = self._annotated.encode(draw(sample.image, self.pipeline.drawing(picture.at), alerts))
        if encoded is None:
            return
        data, keyframe = encoded
        self.counters["annotated.encoded"] += 1
        self._say(AnnotatedPacket(self.attempt_id, picture.rtp_timestamp or 0, picture.at, keyframe, data))
