"""Default engines on real pictures; arithmetic by tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from analyzers.engines.base import Face, Image, Rect, Thing
from analyzers.engines.boxes import keep_best, letterbox
from analyzers.engines.dlib68 import Dlib68
from analyzers.engines.five_points import face_of
from analyzers.engines.suppress import strongest
from analyzers.models import ModelStore
from analyzers.registry import Engines

Picture = Callable[[str], Image]

PORTRAITS = ("portrait-1", "portrait-2", "portrait-3", "obama", "obama2", "obama3", "biden")
NOBODY = ("phone-photo", "screen-photo", "laptop-photo")


def the_face(engines: Engines, image: Image) -> Face:
    (face,) = engines.faces.find(image)
    return face


@pytest.mark.parametrize("name", PORTRAITS)
def test_one_face_is_found_where_there_is_one(engines: Engines, picture: Picture, name: str) -> None:
    image = picture(name)
    face = the_face(engines, image)
    assert face.keypoints is not None
    left_eye, right_eye, nose, mouth = face.keypoints[:4]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < mouth[1]
    inside = (face.keypoints[:4] >= (face.box.left, face.box.top)) & (
        face.keypoints[:4] <= (face.box.right, face.box.bottom)
    )
    assert inside.all()


@pytest.mark.parametrize("name", NOBODY)
def test_no_face_is_found_where_there_is_none(engines: Engines, picture: Picture, name: str) -> None:
    assert not engines.faces.find(picture(name))


def test_two_people_are_two_faces(engines: Engines, picture: Picture) -> None:
    one, two = (picture(name)[:500, :500] for name in ("portrait-1", "portrait-2"))
    side_by_side = np.ascontiguousarray(np.hstack([one, two]))
    assert len(engines.faces.find(side_by_side)) == 2


@pytest.mark.parametrize("name", ["portrait-1", "portrait-3", "obama", "obama2"])
def test_the_follower_agrees_with_the_finder_on_near_faces(
    engines: Engines, picture: Picture, name: str
) -> None:
    image = picture(name)
    assert engines.follower.find(image)[0].box.iou(the_face(engines, image).box) > 0.6


@pytest.mark.parametrize("name", PORTRAITS)
def test_landmarks_lie_where_the_eyes_and_the_mouth_are(
    engines: Engines, picture: Picture, name: str
) -> None:
    image = picture(name)
    face = the_face(engines, image)
    mesh = engines.landmarks.locate(image, face)
    assert mesh.score > 0.9
    assert mesh.irises is not None
    assert face.keypoints is not None
    near = 0.15 * face.box.width
    for iris, eye in zip(mesh.irises, face.keypoints[:2], strict=True):
        assert np.linalg.norm(iris[0] - eye) < near
    mouth = mesh.points[list(mesh.layout.mouth), :2].mean(axis=0)
    assert np.linalg.norm(mouth - face.keypoints[3]) < near


def test_landmarks_do_not_believe_in_a_face_that_is_not_there(engines: Engines, picture: Picture) -> None:
    image = picture("screen-photo")
    height, width = image.shape[:2]
    nowhere = Face(Rect(width / 4, height / 4, width / 2, height / 2), 0.9)
    assert engines.landmarks.locate(image, nowhere).score < 0.5


def test_dlibs_points_agree_with_the_mesh(store: ModelStore, engines: Engines, picture: Picture) -> None:
    image = picture("obama")
    face = the_face(engines, image)
    ours, theirs = engines.landmarks.locate(image, face), Dlib68(store).locate(image, face)
    assert theirs.irises is None
    assert len(theirs.points) == theirs.layout.count
    for one, other in ((ours.layout.nose, theirs.layout.nose), (ours.layout.chin, theirs.layout.chin)):
        apart = np.linalg.norm(ours.points[one, :2] - theirs.points[other])
        assert apart < 0.1 * face.box.width


def test_a_person_is_nearer_to_the_own_pictures_than_to_anybody_else(
    engines: Engines, picture: Picture
) -> None:
    embeddings = {}
    for name in PORTRAITS:
        image = picture(name)
        embeddings[name] = engines.identity.embed(image, the_face(engines, image))
    for one, other in itertools.combinations(PORTRAITS, 2):
        distance = engines.identity.distance(embeddings[one], embeddings[other])
        same = one.startswith("obama") and other.startswith("obama")
        assert (distance < engines.identity.limit) == same, (one, other, distance)


def test_things_are_found_in_photographs(engines: Engines, picture: Picture) -> None:
    phone = engines.objects.find(picture("phone-photo"))
    assert phone[0].label == "cell phone"
    held = {thing.label for thing in engines.objects.find(picture("portrait-3"))}
    assert held == {"person", "cell phone"}
    assert engines.objects.find(picture("laptop-photo"))[0].label == "laptop"


@pytest.mark.parametrize(("height", "width"), [(480, 640), (640, 300), (120, 160)])
@pytest.mark.parametrize("centred", [True, False])
def test_a_letterbox_leads_back_to_the_picture(height: int, width: int, centred: bool) -> None:
    square = letterbox(np.zeros((height, width, 3), np.uint8), 192, centred=centred)
    assert square.image.shape == (192, 192, 3)
    box = np.array([[10, 20, 100, 110]], np.float32)
    there = box * square.scale + np.array([square.left, square.top] * 2)
    np.testing.assert_allclose(square.back(there.astype(np.float32)), box, atol=1e-3)


def test_doubles_are_suppressed_strongest_first() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]], np.float32)
    assert keep_best(boxes, np.array([0.6, 0.9, 0.7], np.float32), 0.5, 0.3) == [1, 2]
    assert keep_best(boxes[:0], np.zeros(0, np.float32), 0.5, 0.3) == []


def test_only_things_of_one_label_suppress_each_other() -> None:
    box, close = Rect(0, 0, 10, 10), Rect(1, 0, 11, 10)
    things = [Thing("book", 0.5, box), Thing("book", 0.6, close), Thing("cell phone", 0.4, box)]
    assert [(thing.label, thing.score) for thing in strongest(things, 0.5)] == [
        ("book", 0.6),
        ("cell phone", 0.4),
    ]


def test_tall_boxes_become_squares_from_brows_to_chin() -> None:
    points = np.array([[20, 40], [60, 40], [40, 60], [30, 80], [50, 80]], np.float32)
    face = face_of(np.array([0, 0, 80, 110], np.float32), 0.9, points)
    assert face.box.bottom == 110
    assert face.box.width == pytest.approx(face.box.height)
    assert face.keypoints is not None
    assert face.keypoints[3].tolist() == [40, 80]
    assert np.isnan(face.keypoints[4:]).all()
