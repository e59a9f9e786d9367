"""BlazeFace (MediaPipe, Apache-2.0): full range to find every face, short range to follow a near one.

Both regress, for every anchor, a box and six keypoints relative to the anchor's centre, in pixels of
the input square: cx, cy, w, h, then x, y of the eyes, nose tip, mouth and ears.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from analyzers.engines.base import Face, Image
from analyzers.engines.boxes import Floats, Letterbox, keep_best, letterbox, rect, sigmoid
from analyzers.models import ModelStore

OVERLAP = 0.3
"""Boxes that overlap more than this are one face."""


class BlazeFace:
    """Either range; stateless, about 9 ms (full) or 2 ms (short) whatever the picture's size."""

    def __init__(self, session: Any, side: int, anchors: Floats) -> None:
        self._session = session
        self._side = side
        self._anchors = anchors
        self._input = session.get_inputs()[0].name
        outputs = {output.shape[-1]: output.name for output in session.get_outputs()}
        self._outputs = [outputs[16], outputs[1]]

    @classmethod
    def full_range(cls, store: ModelStore) -> BlazeFace:
        return cls(store.session("blazeface_full", setting="faces"), 192, _anchors(192, ((4, 1),)))

    @classmethod
    def short_range(cls, store: ModelStore) -> BlazeFace:
        return cls(store.session("blazeface_short", setting="faces"), 128, _anchors(128, ((8, 2), (16, 6))))

    def find(self, image: Image, threshold: float = 0.5) -> Sequence[Face]:
        square = letterbox(image, self._side)
        pixels = square.image[..., ::-1].astype(np.float32) / 127.5 - 1
        raw, logits = self._session.run(self._outputs, {self._input: pixels[None]})
        scores = sigmoid(logits[0, :, 0])
        likely = scores >= threshold
        if not likely.any():
            return []
        return self._decode(raw[0][likely], scores[likely], self._anchors[likely], square, threshold)

    def _decode(
        self, raw: Floats, scores: Floats, anchors: Floats, square: Letterbox, threshold: float
    ) -> list[Face]:
        points = raw.reshape(-1, 8, 2)
        points[:, 0] += anchors
        points[:, 2:] += anchors[:, None]
        half = points[:, 1] / 2
        boxes = square.back(np.concatenate([points[:, 0] - half, points[:, 0] + half], axis=1))
        keypoints = square.back(points[:, 2:])
        kept = keep_best(boxes, scores, threshold, OVERLAP)
        return [Face(rect(boxes[i]), float(scores[i]), keypoints[i]) for i in kept]


def _anchors(side: int, strides: Sequence[tuple[int, int]]) -> Floats:
    """Anchor centres in px, row by row; `strides` are (px, anchors a cell)."""
    centres = []
    for stride, repeats in strides:
        cells = side // stride
        y, x = np.mgrid[:cells, :cells].astype(np.float32)
        centres.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1) + 0.5, repeats, axis=0) * stride)
    return np.concatenate(centres).astype(np.float32)
