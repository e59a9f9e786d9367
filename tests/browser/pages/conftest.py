"""Pages of a real server whose worker processes are down: these tests are about what people see, press and
read. Moving pictures are the stories' beside this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Page

from config.settings import Settings, load
from tests.web.conftest import DownFleet, Site, seed
from web.app import FleetListener, make_app


@asynccontextmanager
async def running_site(directory: Path) -> AsyncIterator[Site]:
    def make_fleet(settings: Settings, listener: Callable[[], FleetListener]) -> DownFleet:
        return DownFleet()

    settings = load(data_dir=directory / "var")
    site = Site(TestServer(make_app(settings, make_fleet=make_fleet)), settings)
    await site.server.start_server()
    try:
        await seed(site)
        yield site
    finally:
        await site.server.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """For tests that leave the record as it was."""
    async with running_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session")
async def own_site(tmp_path: Path) -> AsyncIterator[Site]:
    """For tests that change attempts or incidents."""
    async with running_site(tmp_path) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800}, permissions=["camera", "microphone"]
    )
    context.set_default_timeout(20_000)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> Page:
    return await context.new_page()
