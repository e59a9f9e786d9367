"""Angles from landmarks that were projected from known angles; what is learnt of straight ahead."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from analyzers.engines.base import Face, Mesh, Rect
from analyzers.engines.facemesh import MESH468
from analyzers.pose import (
    _MEAN_FACE,
    CalibrationSettings,
    Neutral,
    NeutralLearner,
    Pose,
    direction_of,
    estimate,
    gaze_from,
    in_profile,
    median_of,
    profile_side,
)

WIDTH, HEIGHT = 640, 480


def projected(yaw: float, pitch: float, eye_x: float = 0.5, eye_y: float = 0.0) -> Mesh:
    """The mean face, turned by degrees (right and up in the picture), 600 mm before the camera."""
    across, up = np.radians(yaw), np.radians(pitch)
    about_y = np.array([[np.cos(across), 0, -np.sin(across)], [0, 1, 0], [np.sin(across), 0, np.cos(across)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(up), np.sin(up)], [0, -np.sin(up), np.cos(up)]])
    camera = np.array([[WIDTH, 0, WIDTH / 2], [0, WIDTH, HEIGHT / 2], [0, 0, 1]], np.float64)
    turned = _MEAN_FACE @ (about_y @ about_x).T
    flat, _ = cv2.projectPoints(turned, np.zeros(3), np.array([0.0, 0.0, 600.0]), camera, None)
    points = np.zeros((468, 3), np.float32)
    six = [MESH468.nose, MESH468.chin, MESH468.left_eye[0], MESH468.right_eye[1], *MESH468.mouth]
    points[six, :2] = flat.reshape(-1, 2)
    outer, other = points[MESH468.left_eye[0], :2], points[MESH468.right_eye[1], :2]
    points[MESH468.left_eye[1], :2] = outer + 0.35 * (other - outer)
    points[MESH468.right_eye[0], :2] = outer + 0.65 * (other - outer)
    irises = np.stack(
        [_iris(points, *corners, eye_x, eye_y) for corners in (MESH468.left_eye, MESH468.right_eye)]
    )
    return Mesh(points, irises, 1.0, MESH468)


def _iris(points: np.ndarray, start: int, end: int, x: float, y: float) -> np.ndarray:
    along = points[end, :2] - points[start, :2]
    centre = points[start, :2] + x * along + y * np.array([-along[1], along[0]])
    return np.tile(centre, (5, 1)).astype(np.float32)


@pytest.mark.parametrize("yaw", [-40, -15, 0, 15, 40])
@pytest.mark.parametrize("pitch", [-25, 0, 25])
def test_a_known_turn_is_measured(yaw: float, pitch: float) -> None:
    pose = estimate(projected(yaw, pitch), WIDTH, HEIGHT)
    assert pose is not None
    assert pose.yaw == pytest.approx(yaw, abs=1.5)
    assert pose.pitch == pytest.approx(pitch, abs=1.5)


def test_irises_are_measured_along_and_across_the_eye() -> None:
    pose = estimate(projected(0, 0, eye_x=0.62, eye_y=-0.1), WIDTH, HEIGHT)
    assert pose is not None
    assert pose.eye_x == pytest.approx(0.62, abs=1e-3)
    assert pose.eye_y == pytest.approx(-0.1, abs=1e-3)


def test_gaze_is_head_and_eyes_from_the_own_straight_ahead() -> None:
    neutral = Neutral(2.0, -20.0, 0.5, -0.05)
    straight = gaze_from(Pose(2.0, -20.0, 0.0, 0.5, -0.05), neutral)
    assert (straight.yaw, straight.pitch) == (0.0, 0.0)
    eyes_only = gaze_from(Pose(2.0, -20.0, 0.0, 0.7, -0.05), neutral)
    assert eyes_only.head_yaw == 0.0
    assert eyes_only.yaw == pytest.approx(30.0, abs=0.1)
    down = gaze_from(Pose(2.0, -40.0, 0.0, 0.5, 0.05), neutral)
    assert down.head_pitch == -20.0
    assert down.pitch < down.head_pitch
    assert gaze_from(Pose(30.0, -20.0, 0.0, None, None), neutral).yaw == 28.0


SETTINGS = CalibrationSettings(
    seconds=3.0, looks=6, widest_yaw=25, steadiness=4, patience=20, drift_seconds=100
)


def learn(learner: NeutralLearner, poses: list[Pose], start: float = 0.0, every: float = 0.5) -> None:
    for index, pose in enumerate(poses):
        learner.learn(start + index * every, pose)


def steady(yaw: float = 3.0, pitch: float = -20.0) -> Pose:
    return Pose(yaw, pitch, 0.0, 0.52, -0.04)


def test_straight_ahead_is_learnt_from_steady_looks() -> None:
    learner = NeutralLearner(SETTINGS)
    learn(learner, [steady()] * 6)
    assert learner.neutral is None  # not long enough
    learn(learner, [steady()], start=3.0)
    assert learner.neutral == Neutral(3.0, -20.0, 0.52, -0.04)


def test_nothing_is_learnt_from_a_restless_or_turned_head() -> None:
    restless = NeutralLearner(SETTINGS)
    learn(restless, [steady(yaw=-15 if index % 2 else 15) for index in range(20)])
    assert restless.neutral is None
    turned = NeutralLearner(SETTINGS)
    learn(turned, [steady(yaw=40)] * 20)
    assert turned.neutral is None


def test_it_settles_once_a_restless_person_sits_still() -> None:
    learner = NeutralLearner(SETTINGS)
    learn(learner, [steady(yaw=-15 if index % 2 else 15) for index in range(10)])
    learn(learner, [steady(yaw=1)] * 20, start=5.0)
    assert learner.neutral is not None
    assert learner.neutral.yaw == pytest.approx(1, abs=0.5)


def test_a_restless_person_is_taken_at_the_median_in_the_end() -> None:
    learner = NeutralLearner(SETTINGS)
    restless = [steady(yaw=(-15, 2, 15)[index % 3]) for index in range(41)]
    learn(learner, restless[:38])
    assert learner.neutral is None
    learn(learner, restless[38:], start=19.0)
    assert learner.neutral is not None
    assert learner.neutral.yaw == 2.0


def test_straight_ahead_follows_a_shift_slowly_and_never_a_look_away() -> None:
    given = Neutral(0.0, -20.0, 0.52, -0.04)
    shifted = NeutralLearner(SETTINGS, given)
    learn(shifted, [steady(yaw=5)] * 60)
    assert shifted.neutral is not None
    assert 1.0 < shifted.neutral.yaw < 3.0
    away = NeutralLearner(SETTINGS, given)
    learn(away, [steady(yaw=30)] * 60)
    assert away.neutral == given


def test_explicit_calibration_is_the_median() -> None:
    neutral = median_of([steady(yaw=1), steady(yaw=2), steady(yaw=30)])
    assert neutral == Neutral(2.0, -20.0, 0.52, -0.04)
    assert median_of([Pose(1.0, 2.0, 0.0, None, None)]).eye_x is None


@pytest.mark.parametrize(
    ("nose_x", "profile", "side"),
    [(40, False, "left"), (60, False, "right"), (28, True, "left"), (75, True, "right")],
)
def test_a_profile_shows_in_the_detectors_own_points(nose_x: float, profile: bool, side: str) -> None:
    points = np.array([[30, 40], [70, 40], [nose_x, 55], [nose_x, 70], [20, 45], [80, 45]], np.float32)
    face = Face(Rect(0, 0, 100, 100), 0.9, points)
    assert in_profile(face) is profile
    assert profile_side(face) == side


def test_without_points_nobody_is_in_profile() -> None:
    assert not in_profile(Face(Rect(0, 0, 10, 10), 0.9))


@pytest.mark.parametrize(
    ("yaw", "pitch", "said"), [(1, 0, "right"), (-1, 0.5, "left"), (0.2, 1, "up"), (0.2, -1, "down")]
)
def test_directions_are_the_pictures(yaw: float, pitch: float, said: str) -> None:
    assert direction_of(yaw, pitch) == said
