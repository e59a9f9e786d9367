"""Real Chromium, its camera and microphone fed from a clip."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from playwright.async_api import Browser, BrowserContext, Page, Playwright, ViewportSize

from simulation.clips import Clip

VIEWPORT: ViewportSize = {"width": 1280, "height": 800}
FLAGS = ("--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
"""No sandbox: tests may run as root, and visit nothing but our own server."""
NAMES = ("chromium", "chromium-browser", "google-chrome")


def find() -> str | None:
    """The browser's path; None where there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@asynccontextmanager
async def launched(playwright: Playwright, clip: Clip | None = None) -> AsyncIterator[Browser]:
    """A browser of its own. The clip begins anew whenever a page opens the camera, and repeats."""
    path = find()
    assert path is not None
    fed = () if clip is None else (
        f"--use-file-for-fake-video-capture={clip.camera()}",
        f"--use-file-for-fake-audio-capture={clip.microphone()}",
    )  # fmt: skip
    browser = await playwright.chromium.launch(executable_path=path, args=[*FLAGS, *fed])
    try:
        yield browser
    finally:
        await browser.close()


async def new_page(browser: Browser, **options: Any) -> Page:
    """In a context of its own: nobody else's cookies."""
    context: BrowserContext = await browser.new_context(viewport=VIEWPORT, **options)
    return await context.new_page()


MOVES = """([selector, wanted]) => new Promise((resolve) => {
    const canvas = new OffscreenCanvas(32, 24);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const pictures = new Set();
    let frames = 0, watched = null;
    const look = () => {
        const video = document.querySelector(selector);
        if (!video || video === watched) return;
        watched = video;
        const seen = () => {
            if (watched !== video) return;
            frames++;
            context.drawImage(video, 0, 0, 32, 24);
            pictures.add(context.getImageData(0, 0, 32, 24).data.join());
            if (frames >= wanted && pictures.size > wanted / 2) {
                clearInterval(timer);
                resolve({ frames, pictures: pictures.size, width: video.videoWidth, height: video.videoHeight });
            } else video.requestVideoFrameCallback(seen);
        };
        video.requestVideoFrameCallback(seen);
    };
    const timer = setInterval(look, 100);
    look();
})"""
"""Resolves once `wanted` new frames were shown, of which more than half differ from all the others."""


async def until_moving(page: Page, selector: str, frames: int = 6) -> dict[str, int]:
    """The picture on the screen is alive from now on: new frames, of changing content. How large it is."""
    return cast(dict[str, int], await page.evaluate(MOVES, [selector, frames]))
