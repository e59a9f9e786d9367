"""One event loop, one Playwright and one proctors' Chromium for all stories; students bring their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

from simulation import clips
from simulation.clips import Clip
from simulation.media import MissingMedia
from tests.support import chromium
from tests.support.exam import ExamServer, exam_server
from tests.support.needs import missing

EnsureClip = Callable[[str], Awaitable[Clip]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    if chromium.find() is None:
        missing("there is no Chromium here (Debian: apt-get install chromium)")
    async with async_playwright() as playing:
        yield playing


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """For proctors, professors and pages that need no camera of their own."""
    async with chromium.launched(playwright) as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ExamServer]:
    """For stories that leave it whole."""
    async with exam_server(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="session")
def clip() -> EnsureClip:
    """A clip with the files of Chromium's fake devices; composed at the first time, kept in the cache."""

    def ready(name: str) -> Clip:
        found = clips.ensure(name)
        found.camera()
        found.microphone()
        return found

    async def ensure(name: str) -> Clip:
        try:
            return await asyncio.to_thread(ready, name)
        except MissingMedia as error:
            missing(str(error))

    return ensure
