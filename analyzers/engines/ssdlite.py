"""SSDLite-MobileNetV2, 300×300, COCO (Apache-2.0): the default object engine."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from analyzers.engines.base import Image, Rect, Thing
from analyzers.engines.boxes import Floats
from analyzers.engines.coco import INDEX_90
from analyzers.engines.suppress import strongest
from analyzers.models import ModelStore

SIDE = 300
OVERLAP = 0.5


class SSDLite:
    """About 25 ms. The picture is stretched to a square, as in training."""

    def __init__(self, store: ModelStore) -> None:
        self._session = store.session("ssdlite", setting="objects")
        self._labels = tuple(INDEX_90)
        self._columns = np.array([INDEX_90[label] for label in self._labels])

    def find(self, image: Image, threshold: float = 0.4) -> Sequence[Thing]:
        square = cv2.resize(image, (SIDE, SIDE))[..., ::-1].astype(np.float32) * (2 / 255) - 1
        pixels = np.ascontiguousarray(square.transpose(2, 0, 1)[None])
        scores, boxes = self._session.run(["scores", "boxes"], {"input": pixels})
        return self._decode(scores[0][:, self._columns], boxes.reshape(-1, 4), image, threshold)

    def _decode(self, scores: Floats, boxes: Floats, image: Image, threshold: float) -> list[Thing]:
        height, width = image.shape[:2]
        things = []
        for anchor, column in np.argwhere(scores >= threshold):
            top, left, bottom, right = (float(value) for value in boxes[anchor])
            box = Rect(left * width, top * height, right * width, bottom * height)
            things.append(Thing(self._labels[column], float(scores[anchor, column]), box))
        return strongest(things, OVERLAP)
