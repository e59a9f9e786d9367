"""Which pictures can be enrolled, and what is said of the others."""

from __future__ import annotations

import json
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from analyzers.engines.base import Image
from analyzers.enrolment import Enroller, Enrolment, EnrolmentRefused
from analyzers.pose import Neutral

Picture = Callable[[str], Image]


@pytest.mark.parametrize("name", ["obama", "portrait-1", "portrait-2", "biden"])
def test_a_good_picture_is_taken(enrol: Enroller, picture: Picture, name: str) -> None:
    enrolment = enrol.embed(picture(name))
    assert enrolment.embedding.shape == (128,)
    assert enrolment.engine == "dlib"
    assert 0.5 <= enrolment.quality <= 1.0


def blurred(picture: Picture) -> Image:
    return cv2.GaussianBlur(picture("portrait-1"), (0, 0), 12).astype(np.uint8)


def small(picture: Picture) -> Image:
    return cv2.resize(picture("portrait-1"), (160, 160)).astype(np.uint8)


def two(picture: Picture) -> Image:
    return np.ascontiguousarray(np.hstack([picture("portrait-1"), picture("portrait-2")]))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda picture: picture("screen-photo"), "no face"),
        (two, "2 faces"),
        (small, "too small"),
        (blurred, "blurred"),
        (lambda picture: picture("portrait-1") // 16, "dark"),
        (lambda picture: np.full((480, 640, 3), 90, np.uint8), "shows nothing"),
    ],
)
def test_a_bad_picture_is_refused_with_what_to_change(
    enrol: Enroller, picture: Picture, make: Callable[[Picture], Image], reason: str
) -> None:
    with pytest.raises(EnrolmentRefused, match=reason) as refused:
        enrol.embed(make(picture))
    assert refused.value.status == 422


def test_an_enrolment_survives_json(enrol: Enroller, picture: Picture) -> None:
    one = enrol.embed(picture("obama"))
    whole = Enrolment(
        one.embeddings, one.engine, one.quality, Neutral(1.0, -20.0, 0.5, None), np.ones(4, np.float32)
    )
    back = Enrolment.from_json(json.loads(json.dumps(whole.to_json())))
    np.testing.assert_array_equal(back.embedding, one.embedding)
    assert back.neutral == whole.neutral
    assert back.voice is not None
    assert back.voice.tolist() == [1.0] * 4
    assert Enrolment.from_json(json.loads(json.dumps(one.to_json()))).voice is None


def test_embeddings_of_different_engines_do_not_mix() -> None:
    one = Enrolment((np.zeros(4, np.float32),), "dlib", 0.9)
    other = Enrolment((np.zeros(4, np.float32),), "deepface:Facenet", 0.7)
    with pytest.raises(ValueError, match="cannot join"):
        one.joined(other)
    joined = one.joined(Enrolment((np.ones(4, np.float32),), "dlib", 0.7))
    assert len(joined.embeddings) == 2
    assert joined.quality == 0.7
