"""None, several, turned, too small, hidden."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from analyzers.engines.base import Image
from analyzers.faces import FaceDetector, FaceSettings
from analyzers.pose import Neutral
from analyzers.registry import Engines
from analyzers.watch import FaceWatch
from core.findings import Blindness, Box, Observation
from core.kinds import Kind
from core.samples import VideoSample

Picture = Callable[[str], Image]


def say(watch: FaceWatch, image: Image, settings: FaceSettings | None = None) -> dict[Kind, Observation]:
    said = FaceDetector(watch, settings).observe(VideoSample(1.0, image))
    assert {observation.kind for observation in said} == FaceDetector.kinds
    return {observation.kind: observation for observation in said}


def test_a_person_who_sits_there_raises_nothing(watch: FaceWatch, picture: Picture) -> None:
    said = say(watch, picture("portrait-1"))
    for kind, observation in said.items():
        assert observation.measurable.ok, kind
        assert observation.score < 0.2, kind
    (box,) = said[Kind.HEAD_TURNED].boxes
    assert box.label == "face"
    assert 0.2 < box.left < box.right < 0.8


def test_an_empty_chair_is_no_face(watch: FaceWatch, picture: Picture) -> None:
    said = say(watch, picture("laptop-photo"))
    assert said[Kind.NO_FACE].score > 0.6
    for kind in (Kind.HEAD_TURNED, Kind.FACE_TOO_SMALL, Kind.FACE_OCCLUDED):
        assert said[kind].measurable.reason is Blindness.NO_FACE


@pytest.mark.parametrize(
    ("level", "reason"), [(4, Blindness.TOO_DARK), (120, Blindness.COVERED), (250, Blindness.COVERED)]
)
def test_in_the_dark_or_behind_a_hand_nobody_can_be_missed(
    watch: FaceWatch, level: int, reason: Blindness
) -> None:
    said = say(watch, np.full((480, 640, 3), level, np.uint8))
    assert said[Kind.NO_FACE].measurable.reason is reason


def test_two_people_are_several(watch: FaceWatch, picture: Picture) -> None:
    both = np.ascontiguousarray(np.hstack([picture("portrait-1"), picture("portrait-2")]))
    several = say(watch, both)[Kind.MULTIPLE_FACES]
    assert several.score > 0.6
    assert several.attributes["faces"] == 2
    assert len(several.boxes) == 2


def test_a_turned_head_is_told_with_its_direction(watch: FaceWatch, picture: Picture) -> None:
    watch.recalibrate(Neutral(0.0, -10.0, 0.5, -0.05))
    turned = say(watch, picture("obama2"), FaceSettings(turned_yaw=20.0))[Kind.HEAD_TURNED]
    assert turned.score > 0.5
    assert turned.attributes["direction"] == "left"
    assert float(turned.attributes["yaw_deg"]) < -20


def test_pitch_counts_only_after_calibration(watch: FaceWatch, picture: Picture) -> None:
    """Barack Obama looks straight into the camera with a raw pitch of -23°."""
    strict = FaceSettings(turned_pitch=10.0)
    assert say(watch, picture("obama"), strict)[Kind.HEAD_TURNED].score == 0.0
    watch.reset()
    watch.recalibrate(Neutral(0.0, 0.0, 0.5, 0.0))
    down = say(watch, picture("obama"), strict)[Kind.HEAD_TURNED]
    assert down.score > 0.5
    assert down.attributes["direction"] == "down"


def test_a_face_far_away_is_too_small_to_judge(watch: FaceWatch, picture: Picture) -> None:
    room = np.full((720, 1280, 3), 90, np.uint8)
    room[300:500, 500:700] = cv2.resize(picture("portrait-1"), (200, 200), interpolation=cv2.INTER_AREA)
    said = say(watch, room)
    assert said[Kind.FACE_TOO_SMALL].score >= 0.5
    assert said[Kind.HEAD_TURNED].measurable.reason is Blindness.FACE_TOO_SMALL
    assert say(watch, picture("portrait-1"))[Kind.FACE_TOO_SMALL].score < 0.1


def test_limits_can_be_loosened(watch: FaceWatch, picture: Picture) -> None:
    watch.recalibrate(Neutral(0.0, -10.0, 0.5, -0.05))
    assert say(watch, picture("obama2"), FaceSettings(turned_yaw=60.0))[Kind.HEAD_TURNED].score < 0.5


PARTS = {"eyes": (0.1, 0.45, 0.0, 1.0), "mouth": (0.45, 1.05, 0.0, 1.0), "left half": (0.0, 1.0, 0.0, 0.5)}


def with_a_hand(image: Image, face: Box, part: str) -> Image:
    """Skin before a part of the face, in fractions of its box."""
    height, width = image.shape[:2]
    top, bottom, left, right = PARTS[part]
    down, across = (face.bottom - face.top) * height, (face.right - face.left) * width
    rows = slice(int(face.top * height + top * down), int(face.top * height + bottom * down))
    columns = slice(int(face.left * width + left * across), int(face.left * width + right * across))
    hand = image[rows, columns]
    hand[:] = np.clip(np.random.default_rng(3).normal((110, 140, 190), 8, hand.shape), 0, 255)
    return image


@pytest.mark.parametrize("part", list(PARTS))
@pytest.mark.parametrize("name", ["portrait-1", "obama"])
def test_a_covered_part_of_a_known_face_is_told(
    engines: Engines, picture: Picture, name: str, part: str
) -> None:
    watch = FaceWatch(engines.faces, engines.follower, engines.landmarks)
    detector = FaceDetector(watch)

    def occluded(image: Image, at: float) -> Observation:
        said = detector.observe(VideoSample(at, image))
        return next(one for one in said if one.kind is Kind.FACE_OCCLUDED)

    for index in range(14):
        plain = occluded(picture(name), index * 0.5)
        assert plain.score < 0.2
    covered = occluded(with_a_hand(picture(name), plain.boxes[0], part), 7.0)
    assert covered.score >= 0.5
    assert occluded(picture(name), 7.5).score < 0.2
