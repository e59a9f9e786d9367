"""Dark, covered, blurred, frozen, too still; and what is quiet life."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from analyzers.engines.base import Image
from analyzers.scene import SceneDetector, SceneSettings
from analyzers.watch import FaceWatch
from core.findings import Blindness, Observation
from core.kinds import Kind
from core.samples import VideoSample
from simulation import clips

Picture = Callable[[str], Image]
Film = Callable[..., Iterator[VideoSample]]


def say(detector: SceneDetector, sample: VideoSample) -> dict[Kind, Observation]:
    said = detector.observe(sample)
    assert {observation.kind for observation in said} == SceneDetector.kinds
    return {observation.kind: observation for observation in said}


def grainy(image: Image, seed: int) -> Image:
    """What a camera adds."""
    noise = np.random.default_rng(seed).normal(0, 2, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", ["portrait-1", "portrait-2", "portrait-3", "obama", "biden"])
def test_a_good_picture_raises_nothing(watch: FaceWatch, picture: Picture, name: str) -> None:
    said = say(SceneDetector(watch), VideoSample(0.0, picture(name)))
    assert all(one.score < 0.5 and one.measurable.ok for one in said.values())


def test_darkness_is_dark_and_not_covered(watch: FaceWatch, picture: Picture) -> None:
    said = say(SceneDetector(watch), VideoSample(0.0, picture("portrait-1") // 14))
    assert said[Kind.DARK].score >= 0.5
    assert said[Kind.COVERED].measurable.reason is Blindness.TOO_DARK


def test_a_hand_before_the_lens_is_covered_and_not_dark(watch: FaceWatch) -> None:
    skin = grainy(np.full((480, 640, 3), (90, 110, 160), np.uint8), 1)
    said = say(SceneDetector(watch), VideoSample(0.0, skin))
    assert said[Kind.COVERED].score >= 0.5
    assert said[Kind.DARK].score < 0.5
    assert said[Kind.BLURRED].measurable.reason is Blindness.COVERED


def test_a_smeared_lens_is_blurred(watch: FaceWatch, picture: Picture) -> None:
    smeared = cv2.GaussianBlur(picture("portrait-1"), (0, 0), 14).astype(np.uint8)
    said = say(SceneDetector(watch), VideoSample(0.0, smeared))
    assert said[Kind.BLURRED].score >= 0.5
    assert said[Kind.COVERED].score < 0.5


def test_a_hung_picture_of_a_person_is_frozen_then_not_from_a_camera(
    watch: FaceWatch, picture: Picture
) -> None:
    detector = SceneDetector(watch, SceneSettings(frozen_seconds=4, virtual_seconds=12))
    image = picture("portrait-1")
    said = [say(detector, VideoSample(at, grainy(image, int(at)))) for at in np.arange(0.0, 14.0, 0.5)]
    frozen = [one[Kind.FROZEN].score >= 0.5 for one in said]
    assert frozen == [False] * 8 + [True] * 20
    assert [one[Kind.VIRTUAL_CAMERA].score >= 0.5 for one in said] == [False] * 24 + [True] * 4
    moved = say(detector, VideoSample(14.0, np.roll(image, 6, axis=1)))
    assert moved[Kind.FROZEN].score == 0.0


def test_an_empty_room_that_does_not_move_is_not_called_frozen(watch: FaceWatch, picture: Picture) -> None:
    detector = SceneDetector(watch)
    image = picture("laptop-photo")
    for at in range(12):
        said = say(detector, VideoSample(float(at), grainy(image, at)))
    assert said[Kind.FROZEN].measurable.reason is Blindness.NO_FACE
    assert said[Kind.VIRTUAL_CAMERA].measurable.reason is Blindness.NO_FACE


@pytest.mark.parametrize(("name", "kind"), [("dark", Kind.DARK), ("covered", Kind.COVERED)])
def test_clips_of_darkness_and_of_a_hand(watch: FaceWatch, film: Film, name: str, kind: Kind) -> None:
    detector = SceneDetector(watch)
    truth = next(span for span in clips.ensure(name).events if span.kind is kind)
    for sample in film(name, hz=1):
        said = say(detector, sample)[kind]
        if truth.start + 1 <= sample.at <= truth.end - 1:
            assert said.score >= 0.5, sample.at
        elif not truth.start - 2 <= sample.at <= truth.end + 2:
            assert said.score < 0.5, sample.at


def test_the_clip_of_a_hung_camera_and_the_one_of_a_quiet_person(watch: FaceWatch, film: Film) -> None:
    truth = next(span for span in clips.ensure("frozen").events if span.kind is Kind.FROZEN)
    detector = SceneDetector(watch)
    scores = {sample.at: say(detector, sample)[Kind.FROZEN].score for sample in film("frozen", hz=2)}
    hung = [score for at, score in scores.items() if truth.start + 5.5 <= at <= truth.end - 0.5]
    alive = [score for at, score in scores.items() if not truth.start <= at <= truth.end + 0.5]
    assert min(hung) >= 0.5
    assert max(alive) < 0.5


def test_motion_tells_a_living_person_from_a_still_room(
    watch: FaceWatch, film: Film, picture: Picture
) -> None:
    person, room = SceneDetector(watch), SceneDetector(watch)
    for sample in film("normal", hz=2):
        person.observe(sample)
    for at in range(5):
        room.observe(VideoSample(float(at), grainy(picture("laptop-photo"), at)))
    assert person.motion > 1.0
    assert room.motion < 0.6
