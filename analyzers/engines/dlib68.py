"""dlib's 68 landmarks: 1.2 ms, no irises, and no score to tell a face from anything else.

Off by default. The weights were trained on iBUG 300-W, whose licence excludes commercial use; whoever
sets `landmarks = "dlib68"` answers for having the right to.
"""

from __future__ import annotations

import cv2
import numpy as np

from analyzers.engines.base import Face, Image, Layout, Mesh
from analyzers.engines.dlib_identity import dlib_rectangle, load_dlib
from analyzers.models import ModelStore

IBUG68 = Layout(
    name="ibug68",
    count=68,
    nose=30,
    chin=8,
    left_eye=(36, 39),
    right_eye=(42, 45),
    mouth=(48, 54),
    contours=(*range(36, 48), 17, 19, 21, 22, 24, 26, 27, 30, 31, 33, 35, 48, 50, 52, 54, 56, 57, 58, 8),
    parts=((*range(36, 42), 17, 19), (*range(42, 48), 24, 26), (*range(48, 60), 33)),
)


class Dlib68:
    def __init__(self, store: ModelStore) -> None:
        self._dlib = load_dlib("landmarks", "dlib68")
        file = store.require("dlib_points68", setting="landmarks")
        self._points = store.once("dlib:dlib_points68", lambda: self._dlib.shape_predictor(str(file)))

    def locate(self, image: Image, face: Face) -> Mesh:
        """Works on grey; the score is the face's own."""
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        shape = self._points(gray, dlib_rectangle(self._dlib, face, face.box, 1.0))
        points = np.array([(point.x, point.y) for point in shape.parts()], np.float32)
        return Mesh(points, None, face.score, IBUG68)
