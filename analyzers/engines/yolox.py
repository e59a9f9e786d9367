"""YOLOX-Nano, 416×416, COCO (Apache-2.0): an object engine the operator downloads; 22 ms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzers.engines.base import Image, Thing
from analyzers.engines.boxes import Floats, letterbox, rect
from analyzers.engines.coco import INDEX_80
from analyzers.engines.suppress import strongest
from analyzers.models import ModelStore

SIDE = 416
STRIDES = (8, 16, 32)
GREY = 114
OVERLAP = 0.5


class YoloX:
    def __init__(self, store: ModelStore) -> None:
        self._session = store.session("yolox", setting="objects")
        self._input = self._session.get_inputs()[0].name
        self._cells, self._strides = _grid()
        self._labels = tuple(INDEX_80)
        self._columns = 5 + np.array([INDEX_80[label] for label in self._labels])

    def find(self, image: Image, threshold: float = 0.4) -> Sequence[Thing]:
        square = letterbox(image, SIDE, fill=GREY, centred=False)
        pixels = np.ascontiguousarray(square.image.transpose(2, 0, 1)[None].astype(np.float32))
        raw = self._session.run(None, {self._input: pixels})[0][0]
        scores = raw[:, 4:5] * raw[:, self._columns]
        likely = np.argwhere(scores >= threshold)
        boxes = square.back(self._boxes(raw, likely[:, 0]))
        things = [
            Thing(self._labels[column], float(scores[anchor, column]), rect(box))
            for (anchor, column), box in zip(likely, boxes, strict=True)
        ]
        return strongest(things, OVERLAP)

    def _boxes(self, raw: Floats, anchors: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Floats:
        centre = (raw[anchors, :2] + self._cells[anchors]) * self._strides[anchors]
        half = np.exp(raw[anchors, 2:4]) * self._strides[anchors] / 2
        return np.concatenate([centre - half, centre + half], 1).astype(np.float32)


def _grid() -> tuple[Floats, Floats]:
    """Cell coordinates N×2 and strides N×1 of every anchor."""
    cells, strides = [], []
    for stride in STRIDES:
        count = SIDE // stride
        y, x = np.mgrid[:count, :count].astype(np.float32)
        cells.append(np.stack([x.ravel(), y.ravel()], 1))
        strides.append(np.full((count * count, 1), stride, np.float32))
    return np.concatenate(cells), np.concatenate(strides)
