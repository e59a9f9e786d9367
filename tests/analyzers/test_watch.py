"""One face followed: cheap while it stays, thorough when it goes, a new track when somebody comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from analyzers.engines.base import Face, FaceEngine, Image, LandmarkEngine, Mesh
from analyzers.pose import Neutral
from analyzers.registry import Engines
from analyzers.watch import FaceWatch, WatchSettings
from core.samples import VideoSample

Picture = Callable[[str], Image]


class Counted:
    """A real engine, and how often it was asked."""

    def __init__(self, engine: FaceEngine) -> None:
        self._engine = engine
        self.asked = 0

    def find(self, image: Image, threshold: float = 0.5) -> Sequence[Face]:
        self.asked += 1
        return self._engine.find(image, threshold)


class CountedMesh:
    def __init__(self, engine: LandmarkEngine) -> None:
        self._engine = engine
        self.asked = 0

    def locate(self, image: Image, face: Face) -> Mesh:
        self.asked += 1
        return self._engine.locate(image, face)


class Rig:
    def __init__(self, engines: Engines, settings: WatchSettings | None = None) -> None:
        self.finder, self.follower = Counted(engines.faces), Counted(engines.follower)
        self.landmarks = CountedMesh(engines.landmarks)
        self.watch = FaceWatch(self.finder, self.follower, self.landmarks, settings)


@pytest.fixture
def rig(engines: Engines) -> Rig:
    return Rig(engines)


def shifted(image: Image, pixels: int) -> Image:
    return np.ascontiguousarray(np.roll(image, pixels, axis=1))


def test_the_same_sample_is_looked_at_once(rig: Rig, picture: Picture) -> None:
    sample = VideoSample(0.0, picture("portrait-1"))
    looks = [rig.watch.look(sample) for _ in range(3)]
    meshes = [rig.watch.mesh(sample) for _ in range(3)]
    rig.watch.gaze(sample)
    assert looks[0] is looks[1] is looks[2]
    assert meshes[0] is meshes[1] is meshes[2]
    assert (rig.finder.asked, rig.follower.asked, rig.landmarks.asked) == (1, 0, 1)


def test_a_face_that_stays_is_followed_and_the_whole_searched_once_a_second(
    rig: Rig, picture: Picture
) -> None:
    image = picture("portrait-1")
    for index in range(11):
        look = rig.watch.look(VideoSample(index * 0.2, shifted(image, index * 4)))
        assert look.main is not None
        assert look.main.keypoints is not None
    assert (rig.finder.asked, rig.follower.asked) == (3, 8)
    assert rig.watch.track_id == 1


def test_the_followed_box_lies_where_the_finder_sees_the_face(rig: Rig, picture: Picture) -> None:
    image = picture("portrait-3")
    rig.watch.look(VideoSample(0.0, image))
    moved = shifted(image, 25)
    followed = rig.watch.look(VideoSample(0.2, moved)).main
    searched = rig.watch.search(VideoSample(0.4, moved)).main
    assert followed is not None
    assert searched is not None
    assert followed.box.iou(searched.box) > 0.6


def test_a_lost_face_is_searched_for_at_once(rig: Rig, picture: Picture) -> None:
    rig.watch.look(VideoSample(0.0, picture("portrait-1")))
    empty = rig.watch.look(VideoSample(0.2, np.full((480, 640, 3), 127, np.uint8)))
    assert empty.searched
    assert empty.faces == ()
    assert empty.main is None


def test_a_short_absence_is_the_same_track_and_a_long_one_a_new(rig: Rig, picture: Picture) -> None:
    image, nobody = picture("portrait-1"), np.full((500, 500, 3), 127, np.uint8)
    rig.watch.look(VideoSample(0.0, image))
    rig.watch.look(VideoSample(0.3, nobody))
    rig.watch.look(VideoSample(0.6, image))
    assert rig.watch.track_id == 1
    for index in range(8):
        rig.watch.look(VideoSample(0.9 + 0.3 * index, nobody))
    rig.watch.look(VideoSample(3.3, image))
    assert rig.watch.track_id == 2


def test_a_face_elsewhere_is_a_new_track(rig: Rig, picture: Picture) -> None:
    image = picture("portrait-3")
    rig.watch.look(VideoSample(0.0, image))
    canvas = np.full((500, 1300, 3), 127, np.uint8)
    canvas[:, 800:] = image
    rig.watch.look(VideoSample(0.2, canvas))
    assert rig.watch.track_id == 2


def test_a_second_face_does_not_take_over_the_track(rig: Rig, picture: Picture) -> None:
    alone = np.full((500, 1000, 3), 127, np.uint8)
    alone[:, :500] = picture("portrait-3")
    both = alone.copy()
    both[:, 500:] = picture("portrait-2")  # the larger face of the two
    first = rig.watch.look(VideoSample(0.0, alone)).main
    look = rig.watch.search(VideoSample(0.5, both))
    assert first is not None
    assert look.main is not None
    assert len(look.faces) == 2
    assert look.faces[0] is look.main
    assert look.main.box.iou(first.box) > 0.6
    between = rig.watch.look(VideoSample(0.7, both))
    assert not between.searched
    assert len(between.faces) == 2
    assert rig.watch.track_id == 1


def test_search_looks_at_the_whole_picture_of_this_very_sample(rig: Rig, picture: Picture) -> None:
    image = picture("portrait-1")
    rig.watch.look(VideoSample(0.0, image))
    sample = VideoSample(0.2, image)
    assert not rig.watch.look(sample).searched
    assert rig.watch.search(sample).searched
    assert rig.watch.look(sample).searched
    asked = rig.finder.asked
    rig.watch.search(sample)
    assert rig.finder.asked == asked


def test_reset_breaks_the_track_and_keeps_what_straight_ahead_is(rig: Rig, picture: Picture) -> None:
    neutral = Neutral(0.0, -10.0, 0.5, 0.0)
    rig.watch.recalibrate(neutral)
    rig.watch.look(VideoSample(0.0, picture("portrait-1")))
    rig.watch.reset()
    assert rig.watch.overlay() is None
    rig.watch.look(VideoSample(0.1, picture("portrait-1")))
    assert rig.watch.track_id == 2
    assert rig.watch.neutral == neutral


def test_the_overlay_is_in_fractions_and_on_the_face(rig: Rig, picture: Picture) -> None:
    assert rig.watch.overlay() is None
    sample = VideoSample(4.0, picture("obama"))
    rig.watch.recalibrate(Neutral(0.0, -23.0, 0.52, -0.06))
    rig.watch.mesh(sample)
    overlay = rig.watch.overlay()
    assert overlay is not None
    (face,) = overlay.faces
    assert overlay.at == 4.0
    assert 25 <= len(overlay.points) <= 45
    for x, y in overlay.points:
        assert face.left - 0.05 < x < face.right + 0.05
        assert face.top - 0.05 < y < face.bottom + 0.05
    assert overlay.gaze is not None
    from_x, from_y, to_x, to_y = overlay.gaze
    assert abs(to_x - from_x) < 0.1
    assert abs(to_y - from_y) < 0.1


def test_without_a_mesh_the_overlay_has_boxes_only(rig: Rig, picture: Picture) -> None:
    rig.watch.look(VideoSample(0.0, picture("obama")))
    overlay = rig.watch.overlay()
    assert overlay is not None
    assert len(overlay.faces) == 1
    assert overlay.points == ()
    assert overlay.gaze is None


def test_landmarks_stay_in_the_overlay_between_two_meshes_and_not_for_long(
    rig: Rig, picture: Picture
) -> None:
    image = picture("obama")
    rig.watch.mesh(VideoSample(0.0, image))
    drawn = rig.watch.overlay()
    rig.watch.look(VideoSample(0.3, image))
    between = rig.watch.overlay()
    rig.watch.look(VideoSample(1.2, image))
    later = rig.watch.overlay()
    assert drawn is not None
    assert between is not None
    assert later is not None
    assert between.points == drawn.points != ()
    assert between.at == 0.3
    assert later.points == ()
