"""What engines give and what an engine of each need promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""height × width × 3, BGR."""
Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rect:
    """Pixels, origin top left; may reach over the picture's edge."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def overlap(self, other: Rect) -> float:
        """Intersection area in px²."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, width) * max(0.0, height)

    def iou(self, other: Rect) -> float:
        """Intersection over union, 0–1."""
        common = self.overlap(other)
        union = self.area + other.area - common
        return common / union if union > 0 else 0.0

    def moved(self, dx: float, dy: float) -> Rect:
        return Rect(self.left + dx, self.top + dy, self.right + dx, self.bottom + dy)


@dataclass(frozen=True, slots=True)
class Face:
    """A face found in a picture."""

    box: Rect
    """About square, from brows to chin."""
    score: float
    keypoints: Points | None = None
    """6×2 px: the eye on the picture's left, the one on its right, nose tip, mouth, the ear on the
    left, the ear on the right; NaN where the engine does not know a point."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which landmark is which: the indices of one numbering."""

    name: str
    count: int
    nose: int
    chin: int
    left_eye: tuple[int, int]
    """Outer and inner corner of the eye on the picture's left."""
    right_eye: tuple[int, int]
    """Inner and outer corner of the eye on the picture's right."""
    mouth: tuple[int, int]
    """Corners, the picture's left one first."""
    contours: tuple[int, ...]
    """A few points that draw eyes, nose and mouth."""
    parts: tuple[tuple[int, ...], ...]
    """Points around the left eye with its brow, the right one with its brow, and the mouth."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """Landmarks of one face."""

    points: Points
    """layout.count × 2 or 3; x and y in px, z in the same scale."""
    irises: Points | None
    """2×5×2 px, centre first, the eye on the picture's left first; None where the engine sees none."""
    score: float
    """0–1: how sure the engine is that this is a face looking roughly here. A gate for quality."""
    layout: Layout


@dataclass(frozen=True, slots=True)
class Thing:
    """An object found in a picture."""

    label: str
    """COCO's name: person, cell phone, book, laptop, tv…"""
    score: float
    box: Rect


class FaceEngine(Protocol):
    def find(self, image: Image, threshold: float = 0.5) -> Sequence[Face]:
        """Faces at or above the threshold, strongest first."""


class LandmarkEngine(Protocol):
    def locate(self, image: Image, face: Face) -> Mesh:
        """Landmarks of a face that was found in this picture."""


class ObjectEngine(Protocol):
    def find(self, image: Image, threshold: float = 0.4) -> Sequence[Thing]:
        """Things worth knowing of (`engines.coco.WATCHED`), strongest first."""


class IdentityEngine(Protocol):
    name: str
    """Part of an enrolment: embeddings of two engines cannot be compared."""
    limit: float
    """The distance beyond which two pictures show two people."""

    def embed(self, image: Image, face: Face) -> NDArray[np.float32]:
        """The face's embedding (128 numbers with dlib)."""

    def distance(self, one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
        """0: the same."""
