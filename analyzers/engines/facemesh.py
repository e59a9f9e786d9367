"""MediaPipe's face mesh with attention (Apache-2.0, by way of human-models, MIT): 468 points, irises, 5 ms.

Input: the face, turned upright by the line between the eyes and half as large again as its box, as
192×192 RGB in 0–1. The score falls to near zero on profiles and on what is no face.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from analyzers.engines.base import Face, Image, Layout, Mesh
from analyzers.models import ModelStore

SIDE = 192
MARGIN = 1.5
_SCORE, _POINTS, _LEFT_IRIS, _RIGHT_IRIS = "Identity:0", "Identity_4:0", "Identity_2:0", "Identity_6:0"

MESH468 = Layout(
    name="mesh468",
    count=468,
    nose=1,
    chin=152,
    left_eye=(33, 133),
    right_eye=(362, 263),
    mouth=(61, 291),
    contours=(
        33, 160, 158, 133, 153, 144,  # the eye on the picture's left
        362, 385, 387, 263, 373, 380,  # the other
        70, 105, 107, 336, 334, 300,  # brows
        168, 6, 1, 98, 327,  # nose
        61, 37, 267, 291, 314, 84, 13, 14,  # mouth
        152,  # chin
    ),
    parts=((33, 133, 159, 145, 70, 105), (362, 263, 386, 374, 336, 334), (61, 291, 0, 17, 2)),
)  # fmt: skip


class FaceMesh:
    def __init__(self, store: ModelStore) -> None:
        self._session = store.session("facemesh", setting="landmarks")
        self._input = self._session.get_inputs()[0].name

    def locate(self, image: Image, face: Face) -> Mesh:
        into = _upright(face)
        crop = cv2.warpAffine(image, into, (SIDE, SIDE))
        pixels = crop[..., ::-1].astype(np.float32)[None] / 255
        score, points, left, right = self._session.run(
            [_SCORE, _POINTS, _LEFT_IRIS, _RIGHT_IRIS], {self._input: pixels}
        )
        back = cv2.invertAffineTransform(into).astype(np.float64, copy=False)
        scale = float(np.hypot(back[0, 0], back[0, 1]))
        mesh = points.reshape(468, 3)
        flat = _apply(back, mesh[:, :2])
        irises = np.stack([_apply(back, iris.reshape(5, 2)) for iris in (left, right)])
        return Mesh(
            np.c_[flat, mesh[:, 2] * scale].astype(np.float32), irises, float(score.ravel()[0]), MESH468
        )


def _upright(face: Face) -> NDArray[np.float64]:
    """Affine transform from the picture to the upright 192×192 crop."""
    angle = 0.0
    if face.keypoints is not None:
        dx, dy = (float(value) for value in face.keypoints[1] - face.keypoints[0])
        angle = float(np.arctan2(dy, dx))
    x, y = face.box.centre
    half = max(face.box.width, face.box.height) * MARGIN / 2
    along = half * np.array([np.cos(angle), np.sin(angle)])
    down = half * np.array([-np.sin(angle), np.cos(angle)])
    centre = np.array([x, y])
    corners = np.array([centre - along - down, centre + along - down, centre - along + down], np.float32)
    target = np.array([[0, 0], [SIDE, 0], [0, SIDE]], np.float32)
    return cv2.getAffineTransform(corners, target).astype(np.float64, copy=False)


def _apply(transform: NDArray[np.float64], points: NDArray[np.float32]) -> NDArray[np.float32]:
    moved: NDArray[np.float32] = (points @ transform[:, :2].T + transform[:, 2]).astype(np.float32)
    return moved
