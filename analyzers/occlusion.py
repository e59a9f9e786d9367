"""Whether something covers an eye or the mouth.

Landmark networks complete what they cannot see: their score stays high behind a hand. But eyes and
mouths are the most contrasted parts of a face, and skin, paper or cloth before them are not: a part
is covered where its contrast falls far below what it was on the same person.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analyzers.engines.base import Image, Mesh

PARTS = ("left eye", "right eye", "mouth")
_MARGIN = 0.12
_SIZE = (24, 16)


@dataclass(frozen=True, slots=True)
class Visibility:
    """The part that is seen worst, and its contrast as a share of the person's usual."""

    part: str
    share: float


class PartWatch:
    """One person's usual contrasts: the median of the clearest looks so far."""

    def __init__(self, looks: int = 12, keep: int = 60) -> None:
        self._least = looks
        self._looks: deque[NDArray[np.float32]] = deque(maxlen=keep)

    def forget(self) -> None:
        """Another face is there now."""
        self._looks.clear()

    def look(self, image: Image, mesh: Mesh) -> Visibility | None:
        """How well the worst seen part is seen; None until the person is known (a dozen looks)."""
        contrasts = np.array([contrast(image, mesh, part) for part in mesh.layout.parts], np.float32)
        if len(self._looks) < self._least:
            self._looks.append(contrasts)
            return None
        usual = np.maximum(np.median(np.stack(self._looks), axis=0), 1.0)
        shares = contrasts / usual
        worst = int(np.argmin(shares))
        if shares[worst] > 0.7:  # a covered face is no example of the person's usual one
            self._looks.append(contrasts)
        return Visibility(PARTS[worst], float(shares[worst]))


def contrast(image: Image, mesh: Mesh, part: tuple[int, ...]) -> float:
    """Standard deviation of grey (0–255) over a part of the face, whatever its size in the picture."""
    points = mesh.points[list(part), :2]
    low, high = points.min(axis=0), points.max(axis=0)
    margin = _MARGIN * (high - low)
    left, top = np.maximum(0, low - margin).astype(int)
    right, bottom = np.maximum(0, high + margin + 1).astype(int)
    crop = image[top:bottom, left:right]
    if crop.size == 0:
        return 0.0
    gray = cv2.cvtColor(cv2.resize(crop, _SIZE, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    return float(gray.std())
