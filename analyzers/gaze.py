"""Where the student looks: left, right, up, down of the own straight ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from analyzers.picture import graded
from analyzers.pose import direction_of
from analyzers.watch import FaceWatch, box_of
from core.findings import Blindness, Measurability, Observation
from core.kinds import Kind
from core.samples import VideoSample


@dataclass(frozen=True, slots=True)
class GazeSettings:
    rate_hz: float = 2.0
    yaw: float = 28.0
    """Degrees, head and eyes together, left or right: beyond a wide screen at arm's length."""
    up: float = 22.0
    down: float = 30.0
    """Degrees; more than up, for the keyboard and notes on the desk lie there."""
    smallest: float = 48.0
    """px: least width of a face in which irises can be told."""


class GazeDetector:
    """Score 0.5 stands at the limit of the direction that is exceeded most.

    Not measurable until straight ahead is known: learnt from the first steady frontal seconds.
    """

    name: ClassVar[str] = "gaze"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.GAZE_AWAY})

    def __init__(self, watch: FaceWatch, settings: GazeSettings | None = None) -> None:
        self._watch = watch
        self._settings = settings or GazeSettings()

    def reset(self) -> None:
        """Straight ahead stays known."""

    def observe(self, sample: VideoSample) -> Sequence[Observation]:
        blind = self._blindness(sample)
        gaze = None if blind else self._watch.gaze(sample)
        if gaze is None:
            reason = blind or Blindness.NOT_CALIBRATED
            return [Observation(sample.at, self.name, Kind.GAZE_AWAY, 0.0, Measurability(reason))]
        settings = self._settings
        sideways = gaze.yaw / settings.yaw
        upwards = gaze.pitch / (settings.up if gaze.pitch > 0 else settings.down)
        score = graded(max(abs(sideways), abs(upwards)), none=0.5, limit=1.0)
        main = self._watch.look(sample).main
        box = (box_of(main.box, sample.width, sample.height, "face", main.score),) if main else ()
        facts: dict[str, float | str] = {
            "yaw_deg": round(gaze.yaw, 1),
            "pitch_deg": round(gaze.pitch, 1),
            "direction": direction_of(sideways, upwards) if score >= 0.5 else "ahead",
        }
        return [Observation(sample.at, self.name, Kind.GAZE_AWAY, score, boxes=box, attributes=facts)]

    def _blindness(self, sample: VideoSample) -> Blindness | None:
        main = self._watch.look(sample).main
        if main is None:
            return Blindness.NO_FACE
        if main.box.width < self._settings.smallest:
            return Blindness.FACE_TOO_SMALL
        if dark := self._watch.light(sample).blindness:
            return dark
        return Blindness.FACE_OCCLUDED if self._watch.pose(sample) is None else None
