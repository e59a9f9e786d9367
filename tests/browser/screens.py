"""The pictures of the README, taken anew from the real pages: .venv/bin/python -m tests.browser.screens

A server of its own, four simulated students and one real browser; takes about a minute, wants Chromium and
ffmpeg. Each picture has 128 colours and stays far below 250 kB, because it lives in the repository.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, Playwright, async_playwright, expect

from simulation import clips
from simulation.load import Cast, Load
from tests.support import chromium
from tests.support.exam import Exam, exam_server
from tests.support.people import ALERT_MS, Proctor, Student, proctor, student
from web.demonstration.seed import NAMES

SCREENS = Path(__file__).parents[2] / "docs" / "screens"
SITS_HERE = "normal"
"""The clip of the student whose own page is shown: played by a browser, the others are simulated."""
PALETTE = "split[a][b];[a]palettegen=max_colors=128:stats_mode=full[p];[b][p]paletteuse=dither=none"


async def shoot(page: Page, name: str) -> None:
    with tempfile.NamedTemporaryFile(suffix=".png") as whole:
        await page.screenshot(path=whole.name, animations="disabled")
        SCREENS.mkdir(parents=True, exist_ok=True)
        picture = SCREENS / f"{name}.png"
        command = ["ffmpeg", "-v", "error", "-y", "-i", whole.name, "-vf", PALETTE, "-pix_fmt", "pal8"]
        command += ["-compression_level", "100", "-pred", "mixed", str(picture)]
        await asyncio.to_thread(subprocess.run, command, check=True)
    sys.stdout.write(f"{picture.relative_to(Path.cwd())}: {picture.stat().st_size // 1000} kB\n")


@asynccontextmanager
async def simulated(exam: Exam) -> AsyncIterator[Load]:
    """Everybody of the demo but one."""
    others = [clip for clip in NAMES if clip != SITS_HERE]
    load = Load([Cast(exam.students[NAMES[clip]], clips.ensure(clip)) for clip in others])
    try:
        await load.start()
        yield load
    finally:
        await load.aclose()


async def show_wall(pat: Proctor, words: list[str]) -> None:
    """While the last of these alerts is fresh."""
    for word in words:
        await expect(pat.page.locator(".tile-alert").filter(has_text=word)).to_be_visible(timeout=ALERT_MS)
    for name in NAMES.values():
        tile = await pat.tile(name).get_attribute("data-attempt")
        await chromium.until_moving(pat.page, f'.tile[data-attempt="{tile}"] video', 2)
    await shoot(pat.page, "wall-light")


async def show_focus(pat: Proctor) -> str:
    """On the phone; the attempt."""
    attempt = await pat.tile(NAMES["phone"]).get_attribute("data-attempt")
    assert attempt is not None
    await pat.tile(NAMES["phone"]).locator(".tile-open").click()
    since = pat.log.said[-1].at
    told = await pat.log.wait(
        "overlay", lambda overlay: any(box["label"] == "phone" for box in overlay["boxes"]), since=since
    )
    box = next(box for box in told.message["boxes"] if box["label"] == "phone")
    outline = f"(given) => ({chromium.OUTLINE})(given) > 0.7"
    await pat.page.wait_for_function(outline, arg=["#focus-overlay", "#focus-video", box])
    await shoot(pat.page, "focus-dark")
    return attempt


async def show_session(nora: Student, pat: Proctor) -> None:
    await pat.page.locator("#focus-back").click()
    async with pat.looking_at(nora):
        await pat.page.locator("#chat-text").fill("All is well. You may use the formula sheet.")
        await pat.page.keyboard.press("Enter")
        await expect(nora.page.locator("#chat-log")).to_contain_text("formula sheet")
    await expect(nora.page.locator("#seen")).to_contain_text("Your face is in the picture.")
    await shoot(nora.page, "session-light")


async def show_review(browser: Browser, exam: Exam, pat: Proctor, attempt: str) -> None:
    await pat.tile(NAMES["phone"]).locator(".tile-open").click()
    await pat.intervene("terminate", reason="phone in hand", text="Your exam was ended by a proctor.")
    page = await chromium.new_page(browser)
    await page.goto(exam.professor)
    await page.goto(f"{exam.url}/attempts/{attempt}/review")
    await page.locator(".flag-row", has_text="Phone").first.locator("button").click()
    await page.wait_for_function("() => document.querySelector('#video').readyState > 1")
    await page.keyboard.press("ArrowRight")  # Five seconds on: the phone is in the picture by then.
    await page.wait_for_function("() => !document.querySelector('#video').seeking")
    await expect(page.locator("#judge-evidence")).to_be_visible()
    await shoot(page, "review-light")


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="invigil-screens-") as directory:
        async with (
            async_playwright() as playwright,
            exam_server(Path(directory)) as server,
            chromium.launched(playwright) as browser,
        ):
            await tell(playwright, browser, await server.exam(*NAMES.values()))


async def tell(playwright: Playwright, browser: Browser, exam: Exam) -> None:
    async with (
        proctor(browser, exam.proctor) as light,
        proctor(browser, exam.professor, color_scheme="dark") as dark,
        student(playwright, exam, NAMES[SITS_HERE], clips.ensure(SITS_HERE)) as nora,
    ):
        await nora.sit_down()
        async with simulated(exam):
            await show_wall(light, ["Phone", "Another person"])
            attempt = await show_focus(dark)
            await show_session(nora, dark)
            await show_review(browser, exam, dark, attempt)


if __name__ == "__main__":
    asyncio.run(main())
