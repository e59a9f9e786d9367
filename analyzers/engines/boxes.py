"""Arithmetic that several engines share: letterboxes and suppression of doubles."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analyzers.engines.base import Image, Rect

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A picture fitted into a square of `side` px, and the way back."""

    image: Image
    scale: float
    left: int
    top: int

    def back(self, boxes: Floats) -> Floats:
        """N×4 (left, top, right, bottom) or N×2 from the square to the picture."""
        offset = np.tile(np.array([self.left, self.top], np.float32), boxes.shape[-1] // 2)
        return ((boxes - offset) / self.scale).astype(np.float32)


def letterbox(image: Image, side: int, *, fill: int = 0, centred: bool = True) -> Letterbox:
    height, width = image.shape[:2]
    scale = side / max(height, width)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    left = (side - new_width) // 2 if centred else 0
    top = (side - new_height) // 2 if centred else 0
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.full((side, side, 3), fill, np.uint8)
    canvas[top : top + new_height, left : left + new_width] = cv2.resize(
        image, (new_width, new_height), interpolation=how
    )
    return Letterbox(canvas, scale, left, top)


def keep_best(boxes: Floats, scores: Floats, threshold: float, iou: float) -> list[int]:
    """Indices that survive non-maximum suppression, strongest first. Boxes: left, top, right, bottom."""
    if not len(boxes):
        return []
    sized = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(sized.tolist(), scores.astype(float).tolist(), threshold, iou)
    return [int(index) for index in np.asarray(kept).flatten()]


def sigmoid(logits: Floats) -> Floats:
    return (1.0 / (1.0 + np.exp(-np.clip(logits, -80, 80)))).astype(np.float32)


def rect(values: Floats) -> Rect:
    return Rect(*(float(value) for value in values))


def crop_around(image: Image, box: Rect, scale: float) -> tuple[Image, int, int]:
    """A square around a box, `scale` times its longer side, cut at the edges; and its left and top."""
    height, width = image.shape[:2]
    half = max(box.width, box.height) * scale / 2
    x, y = box.centre
    left, top = int(max(0, x - half)), int(max(0, y - half))
    right, bottom = int(min(width, x + half)), int(min(height, y + half))
    return image[top:bottom, left:right], left, top


def reduced(image: Image, scale: float) -> Image:
    """The picture at `scale` (at most 1) times its size."""
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False)
