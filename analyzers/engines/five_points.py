"""Engines that tell a tall box (forehead to chin) and five points: eyes, nose, corners of the mouth."""

from __future__ import annotations

import numpy as np

from analyzers.engines.base import Face, Rect
from analyzers.engines.boxes import Floats

WIDER = 1.17
"""BlazeFace's square is so much wider than the face these engines see; the chin is the same."""


def face_of(box: Floats, score: float, points: Floats) -> Face:
    """As BlazeFace would tell it: a square from brows to chin, six points. Ears are not known.

    `box` is left, top, right, bottom; `points` 5×2, the picture's left first; all in px.
    """
    left, _, right, bottom = (float(value) for value in box)
    side, middle = (right - left) * WIDER, (left + right) / 2
    square = Rect(middle - side / 2, bottom - side, middle + side / 2, bottom)
    nowhere = np.full((2, 2), np.nan, np.float32)
    mouth = points[3:5].mean(axis=0, keepdims=True)
    return Face(square, float(score), np.concatenate([points[:3], mouth, nowhere]).astype(np.float32))
