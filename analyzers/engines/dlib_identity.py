"""dlib's face recognition network (CC0): 128 numbers a face, compared by L2, 0.6 apart is another person.

About 96 ms an embedding; same people lay within .45, different ones beyond .69 on the pictures tried.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzers.engines.base import Face, Image, Rect
from analyzers.engines.boxes import crop_around, reduced
from analyzers.models import ModelStore
from core.errors import EngineUnavailable

LIMIT = 0.6
NEAR = 2.2
"""How much of the surroundings is handed to dlib, in face sizes."""
LARGEST = 400
"""px: larger crops are reduced; the network looks at 150×150."""


class DlibIdentity:
    name = "dlib"
    limit = LIMIT

    def __init__(self, store: ModelStore) -> None:
        self._dlib = load_dlib("identity", "dlib")
        self._points = store.once("dlib:dlib_points5", lambda: self._predictor(store))
        self._network = store.once("dlib:dlib_resnet", lambda: self._recogniser(store))

    def embed(self, image: Image, face: Face) -> NDArray[np.float32]:
        crop, left, top = crop_around(image, face.box, NEAR)
        box = face.box.moved(-left, -top)
        scale = min(1.0, LARGEST / max(crop.shape[:2]))
        if scale < 1:
            crop = reduced(crop, scale)
        rgb = np.ascontiguousarray(crop[..., ::-1])
        shape = self._points(rgb, dlib_rectangle(self._dlib, face, box, scale))
        return np.array(self._network.compute_face_descriptor(rgb, shape, 0), np.float32)

    def distance(self, one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
        return float(np.linalg.norm(one - other))

    def _predictor(self, store: ModelStore) -> Any:
        return self._dlib.shape_predictor(str(store.require("dlib_points5", setting="identity")))

    def _recogniser(self, store: ModelStore) -> Any:
        return self._dlib.face_recognition_model_v1(str(store.require("dlib_resnet", setting="identity")))


def load_dlib(setting: str, engine: str) -> Any:
    try:
        import dlib
    except ImportError as error:
        raise EngineUnavailable(
            setting=setting, engine=engine, reason="the package dlib-bin is not installed."
        ) from error
    return dlib


def dlib_rectangle(dlib: Any, face: Face, box: Rect, scale: float) -> Any:
    """The square dlib's predictors expect (brows to chin) from a face box in the crop's pixels."""
    x, y = box.centre
    side = max(box.width, box.height) * 0.95
    half = side / 2
    corners = (x - half, y - half, x + half, y + half)
    return dlib.rectangle(*(int(value * scale) for value in corners))
