"""Who sits there: against the enrolled picture, at once when the face track breaks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest

from analyzers.engines.base import Image
from analyzers.enrolment import Enroller, Enrolment
from analyzers.identity import IdentityDetector, IdentitySettings
from analyzers.registry import Engines
from analyzers.watch import FaceWatch
from core.findings import Blindness, Observation
from core.samples import VideoSample

Picture = Callable[[str], Image]


@pytest.fixture
def obama(enrol: Enroller, picture: Picture) -> Enrolment:
    return enrol.embed(picture("obama"))


@pytest.fixture
def detector(watch: FaceWatch, engines: Engines, obama: Enrolment) -> IdentityDetector:
    return IdentityDetector(watch, engines.identity, obama)


def look(detector: IdentityDetector, image: Image, at: float = 0.0) -> Observation:
    (said,) = detector.observe(VideoSample(at, image))
    return said


def test_the_enrolled_person_matches_on_other_pictures(detector: IdentityDetector, picture: Picture) -> None:
    for at, name in ((0.0, "obama"), (10.0, "obama2"), (20.0, "obama3")):
        said = look(detector, picture(name), at)
        assert said.measurable.ok
        assert said.score < 0.3
        assert said.boxes[0].label == "enrolled"


@pytest.mark.parametrize("name", ["biden", "portrait-1", "portrait-2"])
def test_somebody_else_does_not(detector: IdentityDetector, picture: Picture, name: str) -> None:
    said = look(detector, picture(name))
    assert said.score > 0.6
    assert float(said.attributes["distance"]) > 0.6
    assert said.boxes[0].label == "someone else"


def test_several_enrolled_pictures_count_as_the_nearest(
    watch: FaceWatch, engines: Engines, enrol: Enroller, picture: Picture, obama: Enrolment
) -> None:
    both = enrol.embed(picture("biden")).joined(obama)
    detector = IdentityDetector(watch, engines.identity, both)
    assert look(detector, picture("obama2")).score < 0.3
    assert look(detector, picture("biden"), 10.0).score < 0.3


def test_one_bad_embedding_among_good_ones_is_no_stranger(
    detector: IdentityDetector, picture: Picture
) -> None:
    """The mean of a track's latest embeddings is compared, not the last one."""
    image = picture("obama")
    for at in (0.0, 0.5, 1.0):
        good = look(detector, image, at)
    rng = np.random.default_rng(5)
    grain = rng.normal(0, 60, image.shape)
    spoilt = np.clip(image.astype(np.float32) + grain, 0, 255).astype(np.uint8)
    bad = look(detector, spoilt, 1.5)
    assert good.score < 0.1
    assert bad.score < 0.5


def two_people(picture: Picture) -> Image:
    return np.ascontiguousarray(np.hstack([picture("portrait-1"), picture("portrait-2")]))


def test_what_cannot_be_compared_is_not_held_against_anybody(
    watch: FaceWatch, engines: Engines, obama: Enrolment, picture: Picture
) -> None:
    cases = {
        Blindness.NO_FACE: picture("screen-photo"),
        Blindness.SEVERAL_FACES: two_people(picture),
        Blindness.FACE_TOO_SMALL: cv2.resize(picture("obama3"), (100, 160)).astype(np.uint8),
    }
    detector = IdentityDetector(watch, engines.identity, obama)
    for index, (reason, image) in enumerate(cases.items()):
        assert look(detector, image, index * 10.0).measurable.reason is reason
    unknown = IdentityDetector(watch, engines.identity, None)
    assert look(unknown, picture("obama"), 90.0).measurable.reason is Blindness.NOT_ENROLLED


def test_a_turned_head_is_not_compared(
    watch: FaceWatch, engines: Engines, obama: Enrolment, picture: Picture
) -> None:
    detector = IdentityDetector(watch, engines.identity, obama, IdentitySettings(widest_yaw=15))
    assert look(detector, picture("obama2")).measurable.reason is Blindness.FACE_TURNED


def test_embeddings_of_another_engine_are_no_enrolment(
    watch: FaceWatch, engines: Engines, obama: Enrolment, picture: Picture
) -> None:
    foreign = Enrolment(obama.embeddings, "deepface:Facenet", obama.quality)
    detector = IdentityDetector(watch, engines.identity, foreign)
    assert look(detector, picture("obama")).measurable.reason is Blindness.NOT_ENROLLED


def test_a_new_face_is_asked_for_at_once_until_it_is_known(
    detector: IdentityDetector, picture: Picture
) -> None:
    image = picture("obama")

    def wants(at: float, shown: Image = image) -> bool:
        return detector.wants(VideoSample(at, shown))

    assert wants(0.0)
    look(detector, image, 0.0)
    assert not wants(0.5)
    assert wants(1.6)  # a first match is confirmed soon
    look(detector, image, 1.6)
    assert not wants(2.0)
    assert not wants(30.0, picture("screen-photo"))  # nobody there: nothing to ask for
    assert wants(33.0, picture("biden"))  # the track broke


def test_a_stranger_is_looked_at_again_soon(detector: IdentityDetector, picture: Picture) -> None:
    stranger = picture("biden")
    look(detector, stranger, 0.0)
    assert not detector.wants(VideoSample(0.5, stranger))
    assert detector.wants(VideoSample(1.0, stranger)) is False
    assert detector.wants(VideoSample(1.4, stranger)) is False
    assert detector.wants(VideoSample(1.5, stranger))


def test_a_stranger_who_stays_is_looked_at_less_and_less(
    detector: IdentityDetector, picture: Picture
) -> None:
    stranger, at, looks = picture("biden"), 0.0, []
    while at < 40.0:
        if detector.wants(VideoSample(at, stranger)):
            assert look(detector, stranger, at).score > 0.5, "and is never taken for the student"
            looks.append(at)
        at += 0.5
    waits = np.diff(looks)
    assert list(waits[:2]) == [1.5, 1.5]
    assert all(later >= earlier for earlier, later in pairwise(waits))
    assert waits[-1] == IdentitySettings().again_at_most
    look(detector, picture("obama"), at)
    assert detector.wants(VideoSample(at + 1.5, picture("obama"))), "a match starts it anew"


def test_nobody_enrolled_wants_nothing(watch: FaceWatch, engines: Engines, picture: Picture) -> None:
    detector = IdentityDetector(watch, engines.identity, None)
    assert not detector.wants(VideoSample(0.0, picture("obama")))


def test_accommodations_may_loosen_the_limit(
    watch: FaceWatch, engines: Engines, obama: Enrolment, picture: Picture
) -> None:
    loose = IdentityDetector(watch, engines.identity, obama, IdentitySettings(loosened=0.4))
    assert look(loose, picture("biden")).score < 0.5
