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
                const { videoWidth: width, videoHeight: height } = video;
                resolve({ frames, pictures: pictures.size, width, height });
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


OUTLINE = """([canvas, video, box]) => {
    const surface = document.querySelector(canvas), film = document.querySelector(video);
    const { width, height } = surface;
    const scale = Math.min(width / film.videoWidth, height / film.videoHeight);
    const [w, h] = [film.videoWidth * scale, film.videoHeight * scale];
    const [left, top] = [(width - w) / 2, (height - h) / 2];
    const data = surface.getContext("2d").getImageData(0, 0, width, height).data;
    const drawn = (x, y) => {
        for (let dy = -4; dy <= 4; dy++) for (let dx = -4; dx <= 4; dx++) {
            const px = Math.round(left + x * w) + dx, py = Math.round(top + y * h) + dy;
            if (px < 0 || py < 0 || px >= width || py >= height) continue;
            if (data[4 * (py * width + px) + 3] > 100) return true;
        }
        return false;
    };
    let hits = 0;
    const steps = 20;
    for (let n = 0; n < steps; n++) {
        const part = (n + 0.5) / steps;
        const x = box.left + part * (box.right - box.left), y = box.top + part * (box.bottom - box.top);
        hits += drawn(x, box.top) + drawn(x, box.bottom) + drawn(box.left, y) + drawn(box.right, y);
    }
    return hits / (4 * steps);
}"""
"""How much of a box's outline is drawn on a canvas that lies over a contained video: 0 to 1."""


@asynccontextmanager
async def tab_hidden(page: Page) -> AsyncIterator[None]:
    """Another tab is in front for as long as the block lasts.

    The window's focus is really lost. A tab that Playwright drives in headless Chromium stays `visible`
    whatever is in front of it, so that one state is said by hand; all that follows from it is real.
    """
    session = await page.context.new_cdp_session(page)
    await session.send("Emulation.setFocusEmulationEnabled", {"enabled": False})
    other = await page.context.new_page()
    await other.bring_to_front()
    await page.evaluate(SAY_VISIBILITY, "hidden")
    try:
        yield
    finally:
        await page.evaluate(SAY_VISIBILITY, "visible")
        await other.close()
        await page.bring_to_front()
        await session.detach()


SAY_VISIBILITY = """(state) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
    Object.defineProperty(document, "hidden", { configurable: true, get: () => state === "hidden" });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
