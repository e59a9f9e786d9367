"""Cheap facts about a picture, from a small grey copy of it (about 0.3 ms at 640×480)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.findings import Blindness

Gray = NDArray[np.uint8]

WIDTH, HEIGHT = 160, 120
TOO_DARK = 30.0
"""Mean grey (0–255) below which faces and things can no longer be told."""
FLAT = 8.0
"""Standard deviation of grey below which the picture shows nothing."""


@dataclass(frozen=True, slots=True)
class Light:
    """Brightness and contrast, grey levels 0–255."""

    mean: float
    bright: float
    """The 95th percentile: what the brightest things reach."""
    contrast: float
    """Standard deviation."""

    @property
    def blindness(self) -> Blindness | None:
        """Why nothing can be recognised in this light, if so."""
        if self.mean < TOO_DARK and self.bright < 3 * TOO_DARK:
            return Blindness.TOO_DARK
        if self.contrast < FLAT:
            return Blindness.COVERED
        return None


def thumbnail(image: NDArray[np.uint8]) -> Gray:
    """120×160 grey, averaged over areas, whatever the picture's shape."""
    small = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)


def light(gray: Gray) -> Light:
    return Light(float(gray.mean()), float(np.percentile(gray, 95)), float(gray.std()))


def graded(value: float, *, none: float, limit: float) -> float:
    """A score that is 0 at `none`, 0.5 at `limit` and 1 as far beyond; either direction, clipped."""
    return float(np.clip(0.5 * (value - none) / (limit - none), 0.0, 1.0))
