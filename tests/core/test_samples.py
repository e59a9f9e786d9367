"""Samples of a wrong shape never get in."""

import numpy as np
import pytest

from core.samples import AudioChunk, VideoSample


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)],
)
def test_images_of_another_shape_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="height×width×3"):
        VideoSample(at=0.0, image=image)


def test_size_is_that_of_the_image() -> None:
    sample = VideoSample(at=0.0, image=np.zeros((480, 640, 3), np.uint8))
    assert (sample.width, sample.height) == (640, 480)


@pytest.mark.parametrize("samples", [np.zeros((2, 10), np.int16), np.zeros(10, np.float32)])
def test_sound_of_another_shape_is_refused(samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match="flat int16"):
        AudioChunk(at=0.0, samples=samples)


def test_seconds_of_sound() -> None:
    assert AudioChunk(at=0.0, samples=np.zeros(8000, np.int16)).seconds == 0.5
