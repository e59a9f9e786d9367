"""YuNet (MIT, OpenCV Zoo): an alternative face engine; 5 ms at 320×240.

At each of three strides a cell tells class and objectness, a box (offset of the centre and log size,
in cells) and five points; the score is the root of the product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from analyzers.engines.base import Face, Image
from analyzers.engines.boxes import Floats, keep_best
from analyzers.engines.five_points import face_of
from analyzers.models import ModelStore

LARGEST = 320
STRIDES = (8, 16, 32)
OVERLAP = 0.3


class YuNet:
    def __init__(self, store: ModelStore) -> None:
        self._session = store.session("yunet", setting="faces")
        self._names = [output.name for output in self._session.get_outputs()]

    def find(self, image: Image, threshold: float = 0.5) -> Sequence[Face]:
        height, width = image.shape[:2]
        scale = min(1.0, LARGEST / max(height, width))
        fitted = tuple(max(32, round(side * scale / 32) * 32) for side in (width, height))
        small = cv2.resize(image, fitted, interpolation=cv2.INTER_AREA)
        pixels = np.ascontiguousarray(small.transpose(2, 0, 1)[None].astype(np.float32))
        outputs = dict(zip(self._names, self._session.run(None, {"input": pixels}), strict=True))
        parts = [_decode(outputs, stride, fitted[0] // stride, threshold) for stride in STRIDES]
        scores, boxes, points = (np.concatenate(part) for part in zip(*parts, strict=True))
        back = np.array([width / fitted[0], height / fitted[1]], np.float32)
        boxes, points = boxes * np.tile(back, 2), points * back
        kept = keep_best(boxes, scores, threshold, OVERLAP)
        return [face_of(boxes[i], scores[i], points[i]) for i in kept]


def _decode(
    outputs: Mapping[str, Floats], stride: int, columns: int, threshold: float
) -> tuple[Floats, Floats, Floats]:
    """Scores N, boxes N×4 and points N×5×2 in px of the network's input."""
    sure = np.clip(outputs[f"cls_{stride}"][0, :, 0], 0, 1) * np.clip(outputs[f"obj_{stride}"][0, :, 0], 0, 1)
    scores = np.sqrt(sure)
    likely = np.flatnonzero(scores >= threshold)
    cells = np.stack([likely % columns, likely // columns], 1).astype(np.float32)
    raw = outputs[f"bbox_{stride}"][0, likely]
    centre, half = (cells + raw[:, :2]) * stride, np.exp(raw[:, 2:]) * stride / 2
    points = (outputs[f"kps_{stride}"][0, likely].reshape(-1, 5, 2) + cells[:, None]) * stride
    return scores[likely], np.concatenate([centre - half, centre + half], 1), points
