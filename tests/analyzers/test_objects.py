"""Phone, book, laptop, second person: on photographs and on composed clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from analyzers.engines.base import Image, Rect, Thing
from analyzers.objects import ObjectDetector
from analyzers.registry import Engines
from core.findings import Blindness, Observation
from core.kinds import Kind
from core.samples import VideoSample
from simulation import clips

Picture = Callable[[str], Image]
Film = Callable[..., Iterator[VideoSample]]


@pytest.fixture
def detector(engines: Engines) -> ObjectDetector:
    return ObjectDetector(engines.objects)


def say(detector: ObjectDetector, sample: VideoSample) -> dict[Kind, Observation]:
    said = detector.observe(sample)
    assert {observation.kind for observation in said} == ObjectDetector.kinds
    return {observation.kind: observation for observation in said}


def test_a_phone_in_a_hand_and_one_on_a_table(detector: ObjectDetector, picture: Picture) -> None:
    for name in ("portrait-3", "phone-photo"):
        phone = say(detector, VideoSample(0.0, picture(name)))[Kind.PHONE]
        assert phone.score >= 0.4
        assert phone.attributes["label"] == "phone"
        assert phone.boxes[0].label == "phone"


def test_a_laptop_on_the_table(detector: ObjectDetector, picture: Picture) -> None:
    assert say(detector, VideoSample(0.0, picture("laptop-photo")))[Kind.LAPTOP].score >= 0.5


@pytest.mark.parametrize("name", ["portrait-1", "portrait-2", "obama", "obama2", "obama3", "biden"])
def test_a_portrait_alone_raises_nothing(detector: ObjectDetector, picture: Picture, name: str) -> None:
    said = say(detector, VideoSample(0.0, picture(name)))
    assert said[Kind.PHONE].score < 0.4
    assert said[Kind.SECOND_PERSON].score < 0.5
    assert said[Kind.BOOK].score < 0.45
    assert said[Kind.LAPTOP].score < 0.5


def test_two_people_side_by_side(detector: ObjectDetector, picture: Picture) -> None:
    both = np.ascontiguousarray(np.hstack([picture("portrait-1"), picture("portrait-2")]))
    second = say(detector, VideoSample(0.0, both))[Kind.SECOND_PERSON]
    assert second.score >= 0.5
    assert len(second.boxes) == 1


def test_the_box_lies_on_the_phone_of_the_clip(detector: ObjectDetector, film: Film) -> None:
    samples = [(sample, say(detector, sample)[Kind.PHONE]) for sample in film("phone", hz=2)]
    truth = next(span for span in clips.ensure("phone").events if span.kind is Kind.PHONE)
    during = [said for sample, said in samples if truth.start + 1.5 <= sample.at <= truth.end - 1.5]
    before = [said for sample, said in samples if sample.at < truth.start - 1]
    assert sum(said.score >= 0.4 for said in during) >= 0.9 * len(during)
    assert all(said.score < 0.4 for said in before)
    assert truth.box is not None
    whole = Rect(truth.box.left, truth.box.top, truth.box.right, truth.box.bottom)
    for said in during:
        if said.boxes:
            best = max(said.boxes, key=lambda box: box.score)
            assert Rect(best.left, best.top, best.right, best.bottom).iou(whole) > 0.3


def test_the_second_person_of_the_clip_is_seen(detector: ObjectDetector, film: Film) -> None:
    truth = next(span for span in clips.ensure("second").events if span.kind is Kind.SECOND_PERSON)
    for sample in film("second", hz=1):
        score = say(detector, sample)[Kind.SECOND_PERSON].score
        if truth.start + 1.5 <= sample.at <= truth.end - 1.5:
            assert score >= 0.5, sample.at
        elif not truth.start - 1.5 <= sample.at <= truth.end + 2:
            assert score < 0.5, sample.at


def test_in_the_dark_nothing_is_measured(detector: ObjectDetector) -> None:
    dark = VideoSample(0.0, np.full((480, 640, 3), 5, np.uint8))
    for observation in detector.observe(dark):
        assert observation.measurable.reason is Blindness.TOO_DARK


class Doubtful:
    """An engine whose answers are given: one score a look, None for nothing there."""

    def __init__(self, *scores: float | None) -> None:
        self._scores = scores
        self.sizes: list[tuple[int, int]] = []

    def find(self, image: Image, threshold: float = 0.4) -> list[Thing]:
        height, width = image.shape[:2]
        score = self._scores[len(self.sizes)]
        self.sizes.append((width, height))
        box = Rect(width - 40, height - 80, width, height - 10)
        return [] if score is None else [Thing("cell phone", score, box)]


@pytest.mark.parametrize(
    ("scores", "sizes", "score"),
    [
        ((0.6,), [(640, 480)], 0.6),
        ((None,), [(640, 480)], 0.0),
        ((0.2, 0.7), [(640, 480), (320, 320)], 0.7),
        ((0.2, None, 0.8), [(640, 480), (320, 320), (211, 211)], 0.8),
        ((0.2, 0.1, None), [(640, 480), (320, 320), (211, 211)], 0.2),
    ],
)
def test_a_doubtful_phone_gets_closer_looks(
    picture: Picture, scores: tuple[float | None, ...], sizes: list[tuple[int, int]], score: float
) -> None:
    engine = Doubtful(*scores)
    image = cv2.resize(picture("portrait-1"), (640, 480)).astype(np.uint8)
    phone = say(ObjectDetector(engine), VideoSample(0.0, image))[Kind.PHONE]
    assert engine.sizes == sizes
    assert phone.score == pytest.approx(score)
    assert len(phone.boxes) == (1 if score >= 0.3 else 0)
    for box in phone.boxes:
        assert (box.right, box.bottom) == pytest.approx((1.0, 470 / 480))


def test_a_phone_far_away_is_found_by_looking_closer(engines: Engines, picture: Picture) -> None:
    """A phone of 60 px in the hands of somebody who sits far from the camera."""
    room = cv2.GaussianBlur(cv2.resize(picture("screen-photo"), (640, 480)), (0, 0), 8)
    person = cv2.resize(picture("portrait-3"), (300, 300), interpolation=cv2.INTER_AREA)
    room[180:480, 170:470] = person
    sample = VideoSample(0.0, room.astype(np.uint8))
    at_once = [thing for thing in engines.objects.find(sample.image) if thing.label == "cell phone"]
    phone = say(ObjectDetector(engines.objects), sample)[Kind.PHONE]
    assert not at_once
    assert phone.score >= 0.4
