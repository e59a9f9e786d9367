"""The picture itself: dark, covered, blurred, frozen, or too still to come from a camera.

All from a 160×120 grey copy. Grey levels are 0–255. `motion` tells the scheduler whether anything
moves at all. A still picture is called frozen only with a face in it: after a video codec an empty
room looks the same whether the camera hangs or not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from analyzers.picture import Gray, Light, graded, light, thumbnail
from analyzers.watch import FaceWatch
from core.findings import Blindness, Measurability, Observation
from core.kinds import Kind
from core.samples import VideoSample

Blocks = NDArray[np.float32]
_BLOCKS = (40, 30)
"""Width and height in blocks of 16×16 px at 640×480."""


@dataclass(frozen=True, slots=True)
class SceneSettings:
    rate_hz: float = 2.0
    dark: float = 38.0
    """Mean grey level."""
    dark_bright: float = 100.0
    """Grey level that something in the picture must reach for it not to be dark."""
    flat: float = 10.0
    """Standard deviation under which a picture shows nothing: something covers the camera."""
    blurred: float = 6.0
    """Variance of the Laplacian of the small copy under which nothing has an edge."""
    still: float = 4.0
    """Grey levels by which the mean of some 16×16 px must have changed for anything to have moved; a
    codec's own restlessness (a keyframe a second, noise) stays under 3, a breathing person does not."""
    frozen_seconds: float = 4.0
    virtual_seconds: float = 30.0
    """A picture that is replayed as a still for so long does not come from a camera."""


class SceneDetector:
    """Scores: 0.5 stands at the limit in the settings."""

    name: ClassVar[str] = "scene"
    kinds: ClassVar[frozenset[Kind]] = frozenset(
        {Kind.DARK, Kind.COVERED, Kind.BLURRED, Kind.FROZEN, Kind.VIRTUAL_CAMERA}
    )

    def __init__(self, watch: FaceWatch, settings: SceneSettings | None = None) -> None:
        self._watch = watch
        self._settings = settings or SceneSettings()
        self.reset()

    def reset(self) -> None:
        self._anchor: Blocks | None = None
        self._anchor_at = 0.0
        self._last: Blocks | None = None
        self._motion: deque[float] = deque(maxlen=4)

    @property
    def motion(self) -> float:
        """Mean grey levels by which the picture changed between the latest looks: a codec's
        restlessness is about .4, a person who sits and breathes 1 and more."""
        return max(self._motion, default=0.0)

    def observe(self, sample: VideoSample) -> Sequence[Observation]:
        gray = thumbnail(sample.image)
        seen = light(gray)
        still = self._stillness(gray, sample.at)
        dark = self._dark(seen)
        covered = graded(seen.contrast, none=3 * self._settings.flat, limit=self._settings.flat)
        # A dark picture is flat as well, and a flat one has no edges: each is said once.
        in_dark = Blindness.TOO_DARK if dark >= 0.5 else None
        hidden = in_dark or (Blindness.COVERED if covered >= 0.5 else None)
        return [
            self._say(sample, Kind.DARK, dark, brightness=round(seen.mean, 1)),
            self._say(sample, Kind.COVERED, covered, in_dark, contrast=round(seen.contrast, 1)),
            self._say(sample, Kind.BLURRED, self._blurred(gray), hidden),
            *self._lifeless(sample, still, hidden),
        ]

    def _say(
        self,
        sample: VideoSample,
        kind: Kind,
        score: float,
        blind: Blindness | None = None,
        **facts: float | str,
    ) -> Observation:
        return Observation(sample.at, self.name, kind, score, Measurability(blind), attributes=facts)

    def _dark(self, seen: Light) -> float:
        settings = self._settings
        by_mean = graded(seen.mean, none=2 * settings.dark, limit=settings.dark)
        by_bright = graded(seen.bright, none=2 * settings.dark_bright, limit=settings.dark_bright)
        return min(by_mean, by_bright)

    def _blurred(self, gray: Gray) -> float:
        edges = float(cv2.Laplacian(gray, cv2.CV_64F).var())
        return graded(edges, none=4 * self._settings.blurred, limit=self._settings.blurred)

    def _stillness(self, gray: Gray, at: float) -> float:
        """Seconds since the picture last differed from what it is now; also keeps `motion`."""
        blocks = cv2.resize(gray, _BLOCKS, interpolation=cv2.INTER_AREA).astype(np.float32)
        if self._last is not None:
            self._motion.append(float(np.mean(np.abs(self._last - blocks))))
        self._last = blocks
        if self._anchor is None or _change(self._anchor, blocks) >= self._settings.still:
            self._anchor, self._anchor_at = blocks, at
        return round(max(0.0, at - self._anchor_at), 1)

    def _lifeless(self, sample: VideoSample, still: float, hidden: Blindness | None) -> list[Observation]:
        settings = self._settings
        frozen = graded(still, none=0.0, limit=settings.frozen_seconds)
        virtual = graded(still, none=0.0, limit=settings.virtual_seconds)
        if frozen >= 0.5 and hidden is None and self._watch.look(sample).main is None:
            hidden = Blindness.NO_FACE
        return [
            self._say(sample, Kind.FROZEN, frozen, hidden, seconds=still),
            self._say(sample, Kind.VIRTUAL_CAMERA, virtual, hidden, seconds=still),
        ]


def _change(one: Blocks, other: Blocks) -> float:
    """Grey levels by which the block changed that changed most (but for one in two hundred)."""
    return float(np.percentile(np.abs(one - other), 99.5))
