"""Real weights and real pictures, as fixtures: import those a room needs into its conftest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analyzers.enrolment import Enroller
from analyzers.models import ModelStore
from analyzers.registry import Engines, enroller, load_engines
from analyzers.settings import VisionSettings
from analyzers.watch import FaceWatch
from core.samples import VideoSample
from simulation import clips, media

Image = NDArray[np.uint8]
UPSTREAM = Path(__file__).parents[3] / "shared" / "models" / "upstream"


@pytest.fixture(scope="session")
def store() -> ModelStore:
    return ModelStore()


@pytest.fixture(scope="session")
def engines(store: ModelStore) -> Engines:
    return load_engines(VisionSettings().engines, store)


@pytest.fixture(scope="session")
def enrol(store: ModelStore) -> Enroller:
    return enroller(VisionSettings(), store)


@pytest.fixture
def watch(engines: Engines) -> FaceWatch:
    return FaceWatch(engines.faces, engines.follower, engines.landmarks)


@pytest.fixture(scope="session")
def upstream() -> ModelStore:
    """Weights that are never committed: present on development machines only."""
    if not UPSTREAM.is_dir():
        pytest.skip(f"the upstream weights are not here ({UPSTREAM})")
    return ModelStore(UPSTREAM)


@cache
def _picture(name: str) -> Image:
    image = cv2.imread(str(media.ensure(name)))
    assert image is not None
    scale = min(1.0, 640 / max(image.shape[:2]))
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)


@pytest.fixture(scope="session")
def picture() -> Callable[[str], Image]:
    """A picture of `simulation/media.toml`, at most 640 px wide and high; a copy."""

    def load(name: str) -> Image:
        try:
            return _picture(name).copy()
        except media.MissingMedia as missing:
            pytest.skip(str(missing))

    return load


@pytest.fixture(scope="session")
def film() -> Callable[..., Iterator[VideoSample]]:
    """Samples of a composed clip, `hz` a second, over and over for `loops` times."""

    def play(name: str, hz: float = 5.0, loops: int = 1) -> Iterator[VideoSample]:
        try:
            clip = clips.ensure(name)
        except media.MissingMedia as missing:
            pytest.skip(str(missing))
        for loop in range(loops):
            due = 0.0
            with av.open(str(clip.video)) as container:
                for frame in container.decode(video=0):
                    if frame.time is not None and frame.time >= due - 1e-6:
                        due += 1 / hz
                        image = np.ascontiguousarray(frame.to_ndarray(format="bgr24"))
                        yield VideoSample(loop * clip.seconds + frame.time, image)

    return play


@pytest.fixture
def sample(picture: Callable[[str], Image]) -> Callable[..., VideoSample]:
    def make(name: str, at: float = 0.0) -> VideoSample:
        return VideoSample(at, picture(name))

    return make
