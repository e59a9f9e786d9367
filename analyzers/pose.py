"""Where a head and its eyes point, in degrees, from landmarks; and what is straight ahead for a person.

Directions are the picture's: yaw grows to the picture's right, pitch upwards. Head pose is solvePnP
of six points on a mean face; its pitch carries a personal offset of up to 25°, so everything is
measured from a `Neutral` that is learnt at the beginning or given by calibration. Eyes: the iris
centre along and across the line between the corners, on an eyeball of 12 mm behind an opening of 30.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analyzers.engines.base import Face, Mesh

# Millimetres; x to the picture's right, y down, z away from the camera.
_MEAN_FACE = np.array(
    [
        (0.0, 0.0, 0.0),  # nose tip
        (0.0, 63.6, 12.5),  # chin
        (-43.3, -32.7, 26.0),  # outer corner, eye on the left
        (43.3, -32.7, 26.0),
        (-28.9, 28.9, 24.1),  # corner of the mouth, left
        (28.9, 28.9, 24.1),
    ]
)
_EYEBALL = 0.4
"""Radius of the eyeball over the width of the eye's opening: 12 mm / 30 mm."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Degrees; eyes as fractions of the eye's width (None where the engine sees no irises)."""

    yaw: float
    pitch: float
    roll: float
    eye_x: float | None
    eye_y: float | None


@dataclass(frozen=True, slots=True)
class Neutral:
    """A person's straight ahead, in the raw numbers of `Pose`."""

    yaw: float
    pitch: float
    eye_x: float | None
    eye_y: float | None


@dataclass(frozen=True, slots=True)
class Gaze:
    """Degrees from a person's straight ahead. `yaw` and `pitch` are head and eyes together."""

    head_yaw: float
    head_pitch: float
    yaw: float
    pitch: float


def estimate(mesh: Mesh, width: int, height: int) -> Pose | None:
    """The raw pose; None where the landmarks have no solution. `width`, `height` of the picture in px."""
    layout = mesh.layout
    six = [layout.nose, layout.chin, layout.left_eye[0], layout.right_eye[1], *layout.mouth]
    points = mesh.points[six, :2].astype(np.float64)
    camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], np.float64)
    solved, turn, move = cv2.solvePnP(_MEAN_FACE, points, camera, None, flags=cv2.SOLVEPNP_EPNP)
    if not solved:
        return None
    solved, turn, _ = cv2.solvePnP(
        _MEAN_FACE, points, camera, None, turn, move, True, flags=cv2.SOLVEPNP_ITERATIVE
    )
    if not solved or not np.isfinite(turn).all():
        return None
    return _angles(cv2.Rodrigues(turn)[0].astype(np.float64, copy=False), mesh)


def _angles(rotation: NDArray[np.float64], mesh: Mesh) -> Pose:
    ahead = rotation @ np.array([0.0, 0.0, -1.0])
    yaw = np.degrees(np.arctan2(ahead[0], -ahead[2]))
    pitch = np.degrees(np.arcsin(np.clip(-ahead[1], -1, 1)))
    roll = np.degrees(np.arctan2(rotation[1, 0], rotation[0, 0]))
    eye_x, eye_y = _iris(mesh)
    return Pose(float(yaw), float(pitch), float(roll), eye_x, eye_y)


def _iris(mesh: Mesh) -> tuple[float | None, float | None]:
    """Mean of both irises: fraction along the eye (left corner 0, right 1) and below its line."""
    if mesh.irises is None:
        return None, None
    where = []
    for (first, second), iris in zip((mesh.layout.left_eye, mesh.layout.right_eye), mesh.irises, strict=True):
        start, end = mesh.points[first, :2], mesh.points[second, :2]
        along = end - start
        width = float(np.linalg.norm(along)) or 1.0
        unit = along / width
        offset = iris[0] - start
        where.append((float(offset @ unit) / width, float(offset @ np.array([-unit[1], unit[0]])) / width))
    x, y = np.mean(where, axis=0)
    return float(x), float(y)


def gaze_from(pose: Pose, neutral: Neutral) -> Gaze:
    head_yaw, head_pitch = pose.yaw - neutral.yaw, pose.pitch - neutral.pitch
    eye_yaw, eye_pitch = _eye_turn(pose.eye_x, neutral.eye_x), -_eye_turn(pose.eye_y, neutral.eye_y)
    return Gaze(head_yaw, head_pitch, head_yaw + eye_yaw, head_pitch + eye_pitch)


def _eye_turn(now: float | None, straight: float | None) -> float:
    if now is None or straight is None:
        return 0.0
    return float(np.degrees(np.arcsin(np.clip((now - straight) / _EYEBALL, -1, 1))))


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    seconds: float = 6.0
    """Length of frontal looking from which straight ahead is learnt."""
    looks: int = 12
    """At least so many measured looks within it."""
    widest_yaw: float = 25.0
    """Degrees: a head turned further says nothing about straight ahead."""
    steadiness: float = 5.0
    """Degrees: three quarters of the looks must lie within so much of their median."""
    patience: float = 30.0
    """Seconds after which the median of a restless person's frontal looks must do."""
    drift_seconds: float = 180.0
    """Time in which straight ahead follows a person who shifts on the chair; only while looking there."""


class NeutralLearner:
    """Learns a person's straight ahead from the first steady frontal looks, then follows it slowly.

    A `given` neutral (explicit calibration, or the one kept from enrolment) is used as it is.
    """

    def __init__(self, settings: CalibrationSettings | None = None, given: Neutral | None = None) -> None:
        self._settings = settings or CalibrationSettings()
        self._looks: deque[tuple[float, Pose]] = deque()
        self._last_at: float | None = None
        self.neutral = given

    def learn(self, at: float, pose: Pose) -> None:
        elapsed = 0.0 if self._last_at is None else max(0.0, at - self._last_at)
        self._last_at = at
        if self.neutral is not None:
            self._follow(pose, elapsed)
            return
        if abs(pose.yaw) > self._settings.widest_yaw:
            return
        self._looks.append((at, pose))
        while at - self._looks[0][0] > self._settings.patience:
            self._looks.popleft()
        self._settle(at)

    def _settle(self, at: float) -> None:
        settings = self._settings
        recent = [pose for when, pose in self._looks if at - when <= 1.5 * settings.seconds]
        spent = at - self._looks[0][0]
        if len(recent) < settings.looks or spent < settings.seconds:
            return
        turned = np.array([(pose.yaw, pose.pitch) for pose in recent])
        away = np.abs(turned - np.median(turned, axis=0))
        if np.percentile(away, 75, axis=0).max() <= settings.steadiness:
            self.neutral = median_of(recent)
        elif spent >= 0.95 * settings.patience:
            self.neutral = median_of([pose for _, pose in self._looks])

    def _follow(self, pose: Pose, elapsed: float) -> None:
        assert self.neutral is not None
        seen = gaze_from(pose, self.neutral)
        if max(abs(seen.yaw), abs(seen.pitch)) > 2 * self._settings.steadiness:
            return
        share = min(1.0, elapsed / self._settings.drift_seconds)
        old = self.neutral
        self.neutral = Neutral(
            old.yaw + share * (pose.yaw - old.yaw),
            old.pitch + share * (pose.pitch - old.pitch),
            _towards(old.eye_x, pose.eye_x, share),
            _towards(old.eye_y, pose.eye_y, share),
        )


def median_of(poses: list[Pose]) -> Neutral:
    """Explicit calibration: what a person showed while looking straight ahead. Wants at least one."""
    eyes_x = [pose.eye_x for pose in poses if pose.eye_x is not None]
    eyes_y = [pose.eye_y for pose in poses if pose.eye_y is not None]
    return Neutral(
        float(np.median([pose.yaw for pose in poses])),
        float(np.median([pose.pitch for pose in poses])),
        float(np.median(eyes_x)) if eyes_x else None,
        float(np.median(eyes_y)) if eyes_y else None,
    )


def _towards(old: float | None, new: float | None, share: float) -> float | None:
    if old is None or new is None:
        return old
    return old + share * (new - old)


def in_profile(face: Face) -> bool:
    """By the detector's own points: the nose no longer lies well between the eyes."""
    where = _nose_between_eyes(face)
    return where is not None and not 0.1 <= where <= 0.9


def profile_side(face: Face) -> str:
    where = _nose_between_eyes(face)
    return "left" if where is not None and where < 0.5 else "right"


def _nose_between_eyes(face: Face) -> float | None:
    """0: below the eye on the picture's left, 1: below the other; None where not known."""
    if face.keypoints is None:
        return None
    left, right, nose = face.keypoints[:3]
    along = right - left
    length = float(along @ along)
    if length < 1.0 or not np.isfinite(length):
        return None
    return float((nose - left) @ along) / length


def direction_of(yaw: float, pitch: float) -> str:
    """In the picture, as its viewer sees it."""
    if abs(yaw) >= abs(pitch):
        return "right" if yaw > 0 else "left"
    return "up" if pitch > 0 else "down"
