"""A student's real browser on a bad network: both pictures go on at whoever watches."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from playwright.async_api import Playwright

from analyzers.decode import VideoDecoder
from media_server.frames import EncodedFrame
from simulation.watcher import SimulatedWatcher
from tests.support.clients import until
from tests.support.exam import Exam, ExamServer
from tests.support.netem import Conditions, NetworkEmulator
from tests.support.people import student
from transport.messages import WatchRole

from .conftest import EnsureClip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.media,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
]

DELAY_S = 0.05
"""One way: a hundred milliseconds there and back."""
SECONDS = 12.0


@dataclass
class Arrivals:
    """What came to a watcher of one track."""

    decoder: VideoDecoder = field(default_factory=lambda: VideoDecoder("vp8"))
    at: list[float] = field(default_factory=list)
    decoded: int = 0

    def take(self, attempt: str, frame: EncodedFrame) -> None:
        del attempt
        self.at.append(time.monotonic())
        picture = self.decoder.decode(frame.data, keyframe=frame.keyframe, at=frame.captured_at)
        self.decoded += picture is not None

    def begin(self) -> None:
        self.at.clear()
        self.decoded = 0

    def gaps(self) -> list[float]:
        """Between one frame and the next, the shortest first: seconds."""
        return sorted(after - before for before, after in itertools.pairwise(self.at))


@asynccontextmanager
async def watching(exam: Exam, track: WatchRole) -> AsyncIterator[Arrivals]:
    watcher, arrivals = SimulatedWatcher(exam.proctor, tiles=1, track=track), Arrivals()
    watcher.on_frame = arrivals.take
    looking = asyncio.create_task(watcher.run())
    try:
        yield arrivals
    finally:
        looking.cancel()
        await asyncio.wait({looking})


@dataclass
class Remo:
    """A student whose media goes through `network`, and what a proctor's watcher gets of both tracks."""

    network: NetworkEmulator
    tracks: dict[WatchRole, Arrivals]

    def enough(self) -> bool:
        """As many frames as SECONDS have in good weather, or nearly."""
        return len(self.tracks["main"].at) > 12 * SECONDS and len(self.tracks["low"].at) > 4 * SECONDS


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def remo(playwright: Playwright, server: ExamServer, clip: EnsureClip) -> AsyncIterator[Remo]:
    exam = await server.exam("Remo Falk")
    async with (
        NetworkEmulator(Conditions(delay=DELAY_S)) as network,
        student(playwright, exam, "Remo Falk", await clip("normal"), network) as sitting,
    ):
        await sitting.sit_down()
        async with watching(exam, "main") as main, watching(exam, "low") as low:
            await until(lambda: main.decoded > 30 and low.decoded > 10, 60, "both tracks")
            yield Remo(network, {"main": main, "low": low})


@pytest.mark.parametrize("loss", [0.05, 0.1])
async def test_both_pictures_go_on_under_loss_and_delay(
    loss: float, remo: Remo, record_property: Callable[[str, object], None]
) -> None:
    """A frame waits one round trip for every time its packet, or its copy, is lost. Nearly all are there
    within half a second; a loss of a loss of a loss may take longer, and the picture then recovers."""
    conditions, lost = remo.network.conditions, remo.network.up.lost
    conditions.loss = loss
    for arrivals in remo.tracks.values():
        arrivals.begin()
    await until(remo.enough, 4 * SECONDS, "frames of both tracks")
    conditions.loss = 0.0
    assert remo.network.up.lost - lost > 20
    for track, arrivals in remo.tracks.items():
        gaps = arrivals.gaps()
        p95, longest = gaps[int(0.95 * len(gaps))], gaps[-1]
        record_property(f"{track}_gap_ms", {"p95": round(p95 * 1000), "longest": round(longest * 1000)})
        assert p95 < 0.5
        assert longest < 2.0
        assert arrivals.decoded > 0.9 * len(arrivals.at)
