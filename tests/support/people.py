"""A student and a proctor at their pages: what they do there, in their words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from playwright.async_api import Browser, Locator, Page, Playwright, expect

from simulation.clips import Clip
from tests.support import chromium
from tests.support.exam import Exam
from tests.support.lossy import LossyPath
from tests.support.netem import NetworkEmulator
from tests.support.socket_log import Message, Said, SocketLog

PATIENCE_MS = 60_000
"""Two busy cores may be slow; what never comes fails all the same."""
ALERT_MS = 100_000
"""A clip tells its tale once in 32 s; the first telling may come before the start."""


@dataclass
class Student:
    page: Page
    log: SocketLog
    name: str

    @property
    def attempt(self) -> str:
        return str(self.log.of("welcome")[0]["attempt"]["id"])

    async def consent(self) -> None:
        await self.page.get_by_role("button", name="I agree, go on").click()

    async def pass_preflight(self) -> None:
        """Camera, microphone and the path to the server are tested for real."""
        page = self.page
        await page.get_by_role("button", name="Turn on camera and microphone").click(timeout=PATIENCE_MS)
        go_on = page.get_by_role("button", name="Go on", exact=True)
        await expect(go_on).to_be_enabled(timeout=PATIENCE_MS)
        await go_on.click()

    async def show_face(self) -> None:
        """Again until there is a face to take: the clip may be where nobody sits."""
        page = self.page
        take = page.get_by_role("button", name="Take the picture")
        start = page.get_by_role("button", name="Start the exam")
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while not await start.is_visible():
                await take.click()
                await expect(take.and_(page.locator(":enabled")).or_(start)).to_be_visible(
                    timeout=PATIENCE_MS
                )

    async def start(self) -> None:
        await self.page.get_by_role("button", name="Start the exam").click()
        await expect(self.page.locator("#content")).to_contain_text("Part one", timeout=PATIENCE_MS)

    async def sit_down(self) -> None:
        """From the link to the running exam."""
        await self.consent()
        await self.pass_preflight()
        await self.show_face()
        await self.start()


@asynccontextmanager
async def student(
    playwright: Playwright, exam: Exam, name: str, clip: Clip, network: NetworkEmulator | None = None
) -> AsyncIterator[Student]:
    """In a browser of the student's own, at the first page of the link; the media through `network`."""
    async with chromium.launched(playwright, clip) as browser, AsyncExitStack() as stack:
        page = await chromium.new_page(browser)
        log = SocketLog(page)
        if network is not None:
            path = LossyPath(network, log)
            stack.push_async_callback(path.aclose)
            await path.lay(page)
        await page.goto(exam.students[name])
        yield Student(page, log, name)


@dataclass
class Proctor:
    page: Page
    log: SocketLog

    def tile(self, name: str) -> Locator:
        return self.page.locator(".tile").filter(has_text=name)

    async def until_moving(self, student: Student) -> dict[str, int]:
        """The student's tile shows a living picture; its size."""
        return await chromium.until_moving(self.page, f'.tile[data-attempt="{student.attempt}"] video')

    def alert(self, student: Student, words: str) -> Locator:
        """An alert in the feed, by what stands on it."""
        return self.page.locator(".feed-item").filter(has_text=student.name).filter(has_text=words)

    async def expect_alert(self, student: Student, words: str, within_ms: float = ALERT_MS) -> Locator:
        alert = self.alert(student, words)
        await expect(alert.first).to_be_visible(timeout=within_ms)
        return alert.first

    @asynccontextmanager
    async def looking_at(self, student: Student) -> AsyncIterator[None]:
        """The close view, and back to the wall."""
        await self.tile(student.name).locator(".tile-open").click()
        await expect(self.page.locator("#focus-name")).to_have_text(student.name)
        try:
            yield
        finally:
            await self.page.locator("#focus-back").click()
            await expect(self.page.locator("#grid")).to_be_visible()

    async def intervene(self, action: str, *, reason: str, text: str = "") -> None:
        """In the close view, by the button `action` names."""
        page = self.page
        await page.locator(f"[data-action='{action}']").click()
        dialog = page.locator("#act-dialog")
        await expect(dialog).to_be_visible()
        if text:
            await dialog.locator("#act-text").fill(text)
        await dialog.locator("#act-reason").fill(reason)
        if action == "terminate":
            await dialog.locator("#act-confirm").check()
        await dialog.locator("#act-go").click()
        await expect(page.locator("#act-said")).to_contain_text("Done")

    async def event(self, student: Student, type: str, since: float = 0.0) -> Said:
        """A record of the event log, as the wall heard it."""

        def matches(message: Message) -> bool:
            return bool(message["event"] == type and message["attempt"] == student.attempt)

        return await self.log.wait("event", matches, since=since, within=PATIENCE_MS / 1000)

    async def incident(
        self, student: Student, kind: str, step: str = "opened", since: float = 0.0
    ) -> Message:
        """The incident as an event of the log told it: `opened`, `updated` or `closed`."""

        def matches(message: Message) -> bool:
            about = message["event"] == f"incident.{step}" and message["attempt"] == student.attempt
            return bool(about and message["payload"]["kind"] == kind)

        said = await self.log.wait("event", matches, since=since, within=ALERT_MS / 1000)
        return cast(Message, said.message["payload"])


@asynccontextmanager
async def proctor(browser: Browser, link: str, **options: Any) -> AsyncIterator[Proctor]:
    """At the wall of the link's exam."""
    page = await chromium.new_page(browser, **options)
    log = SocketLog(page)
    await page.goto(link)
    await log.wait("welcome")
    yield Proctor(page, log)
    await page.context.close()
