"""A student with a phone, from the signed link to the recording; another whose chair somebody else takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Playwright, expect

from core.attempts import AttemptStatus
from core.findings import Box
from db.interventions import Intervention
from tests.support import chromium
from tests.support.exam import Exam, ExamServer
from tests.support.people import PATIENCE_MS, Proctor, Student, proctor, student
from tests.support.socket_log import Message

from .conftest import EnsureClip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(240),
]


@dataclass
class Sitting:
    exam: Exam
    student: Student
    other: Student
    proctor: Proctor


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sitting(
    playwright: Playwright, browser: Browser, server: ExamServer, clip: EnsureClip
) -> AsyncIterator[Sitting]:
    """Paula, who has a phone, and Oskar have started; Pat watches. The stories share them; the last ends
    Paula's exam."""
    exam = await server.exam("Paula Costa", "Oskar Bauer", "Nora Lind")
    async with (
        proctor(browser, exam.proctor) as pat,
        student(playwright, exam, "Paula Costa", await clip("phone")) as paula,
        student(playwright, exam, "Oskar Bauer", await clip("other")) as oskar,
    ):
        await asyncio.gather(paula.sit_down(), oskar.sit_down())
        yield Sitting(exam, paula, oskar, pat)


async def test_the_wall_shows_the_moving_picture(sitting: Sitting) -> None:
    pat, paula = sitting.proctor, sitting.student
    low = await pat.until_moving(paula)
    assert (low["width"], low["height"]) == (160, 120)
    await expect(pat.page.locator("#summary")).to_have_text("2 of 2 live")


def boxes(overlay: Message, label: str) -> list[Box]:
    return [Box(**box) for box in overlay.get("boxes", ()) if box["label"] == label]


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    common = max(0.0, width) * max(0.0, height)
    return common / (one.area + other.area - common)


async def test_a_phone_raises_an_alert_with_its_picture_and_a_box_that_lies_on_it(
    sitting: Sitting, clip: EnsureClip
) -> None:
    pat, paula = sitting.proctor, sitting.student
    alert = await pat.expect_alert(paula, "Phone")
    await expect(pat.tile("Paula Costa")).to_have_attribute("data-tone", "alert")
    assert await until_shown(alert.locator("img")) >= 320

    (truth,) = (span.box for span in (await clip("phone")).events if span.box is not None)

    def lies_on_it(overlay: Message) -> bool:
        return any(overlap(box, truth) > 0.5 for box in boxes(overlay, "phone"))

    async with pat.looking_at(paula):
        told = await pat.log.wait("overlay", lies_on_it, within=60)
        (phone,) = boxes(told.message, "phone")
        await until_outlined(pat.page, phone)
    await pat.until_moving(paula)


async def test_another_person_in_the_chair_is_noticed(sitting: Sitting) -> None:
    pat, oskar = sitting.proctor, sitting.other
    await pat.expect_alert(oskar, "Another person")
    opened = await pat.incident(oskar, "identity_mismatch")
    assert (opened["severity"], opened["category"]) == ("high", "suspicion")
    assert not await pat.alert(sitting.student, "Another person").count()
    assert not await pat.alert(oskar, "Phone").count()


async def test_a_warning_covers_the_page_until_it_is_read_and_both_are_on_record(
    sitting: Sitting, server: ExamServer
) -> None:
    pat, paula = sitting.proctor, sitting.student
    async with pat.looking_at(paula):
        await pat.intervene("warn", reason="phone in hand", text="Please put your phone away.")
        warning = paula.page.locator("#warning")
        await expect(warning).to_be_visible()
        await expect(warning).to_contain_text("Please put your phone away.")
        await paula.page.keyboard.press("Escape")
        await expect(warning).to_be_visible()
        assert (await interventions(server, paula))[-1].acknowledged_at is None

        await warning.get_by_role("button", name="I have read this").click()
        await expect(warning).to_be_hidden()
        await expect(pat.page.locator("#events")).to_contain_text("read by the student")
        warned = (await interventions(server, paula))[-1]
        assert (warned.kind, warned.reason) == ("warn", "phone in hand")
        assert warned.acknowledged_at is not None and warned.actor is not None


async def test_a_pause_hides_the_questions_and_stops_the_clock(sitting: Sitting, server: ExamServer) -> None:
    pat, paula = sitting.proctor, sitting.student
    content, pause = paula.page.locator("#content"), paula.page.locator("#pause")
    async with pat.looking_at(paula):
        await pat.intervene("pause", reason="to talk", text="One moment, please.")
        await expect(pause).to_be_visible()
        await expect(pause).to_contain_text("One moment, please.")
        await expect(content).to_be_hidden()
        await expect(content).to_be_empty()
        assert (await server.attempt(paula.attempt)).status is AttemptStatus.PAUSED
        stopped_at = await paula.page.locator("#time-left-value").inner_text()

        await pat.intervene("resume", reason="talked")
        await expect(pause).to_be_hidden()
        await expect(content).to_contain_text("Part one")
        await expect(paula.page.locator("#time-left-value")).not_to_have_text(stopped_at)
        assert (await server.attempt(paula.attempt)).status is AttemptStatus.RUNNING


async def test_leaving_the_tab_and_the_window_is_told(sitting: Sitting, server: ExamServer) -> None:
    pat, paula = sitting.proctor, sitting.student
    left_at = time.time()
    async with chromium.tab_hidden(paula.page):
        await pat.expect_alert(paula, "Left the tab")
    opened = await pat.incident(paula, "tab_hidden", "closed", since=left_at)
    assert opened["severity"] == "medium"
    async with server.database.reading() as tx:
        kinds = [one.kind.value for one in await tx.signals.of_attempt(paula.attempt)]
    assert {"window_blur", "tab_hidden", "tab_visible"} <= set(kinds)


async def test_a_student_opens_nothing_that_is_not_theirs(
    sitting: Sitting, browser: Browser, server: ExamServer
) -> None:
    """In a real browser, logged in as another student of the same exam."""
    exam, paula = sitting.exam, sitting.student
    page = await chromium.new_page(browser)
    await page.goto(exam.students["Nora Lind"])
    await expect(page.get_by_role("button", name="I agree, go on")).to_be_visible()
    async with server.database.reading() as tx:
        (evidence, *_) = [one.incident.evidence for one in await tx.incidents.of_attempt(paula.attempt)
                          if one.incident.evidence]  # fmt: skip
    for path in (
        f"/exams/{exam.id}/wall", f"/exams/{exam.id}/review",
        f"/attempts/{paula.attempt}", f"/attempts/{paula.attempt}/review",
    ):  # fmt: skip
        response = await page.goto(exam.url + path)
        assert response is not None and response.status in (403, 404), path
    for path in (
        f"/api/attempts/{paula.attempt}/timeline", f"/api/attempts/{paula.attempt}/recording",
        f"/api/attempts/{paula.attempt}/segments/0", f"/api/attempts/{paula.attempt}/thumbnails/0",
        f"/api/evidence/{evidence}",
    ):  # fmt: skip
        status = await page.evaluate("async (path) => (await fetch(path)).status", path)
        assert status in (403, 404), path
    for path in (f"/ws/exams/{exam.id}", f"/ws/attempts/{paula.attempt}"):
        opened = await page.evaluate(TRY_SOCKET, path)
        assert not opened, path
    await page.context.close()


async def test_after_the_end_the_recording_plays_and_jumps_to_the_incident(
    sitting: Sitting, browser: Browser, server: ExamServer
) -> None:
    pat, paula, exam = sitting.proctor, sitting.student, sitting.exam
    await pat.expect_alert(paula, "Phone")
    async with pat.looking_at(paula):
        await pat.intervene("terminate", reason="phone", text="Your exam was ended by a proctor.")
        await expect(paula.page.locator("#step-over")).to_be_visible()
        await expect(paula.page.locator("#over-text")).to_contain_text("A proctor ended it.")
        assert not await paula.page.evaluate("document.querySelector('#own-video').srcObject?.active")
        assert (await server.attempt(paula.attempt)).status is AttemptStatus.TERMINATED
    await expect(pat.tile("Paula Costa").locator(".tile-veil")).to_have_text("Ended by a proctor")

    page = await chromium.new_page(browser)
    await page.goto(exam.professor)
    await page.goto(f"{exam.url}/attempts/{paula.attempt}/review")
    timeline = await page.evaluate(
        "async (path) => (await fetch(path)).json()", f"/api/attempts/{paula.attempt}/timeline"
    )
    recorded = timeline["segments"][-1]["ended_at"] - timeline["segments"][0]["started_at"]
    length = await page.evaluate(UNTIL_LOADED)
    assert length == pytest.approx(recorded, abs=0.5)
    part = await page.evaluate(FETCH_RANGE, timeline["recording"]["url"])
    assert part["status"] == 206 and part["bytes"] == 1000
    assert part["range"].startswith("bytes 500-1499/")

    await page.get_by_role("button", name="Play", exact=True).click()
    assert (await chromium.until_moving(page, "#video"))["width"] == 640
    await page.get_by_role("button", name="Pause", exact=True).click()

    phone = next(one for one in timeline["incidents"] if one["kind"] == "phone")
    await page.locator(f"[data-incident='{phone['id']}'] button").first.click()
    begins = max(0.0, phone["started_at"] - timeline["recording"]["started_at"] - 2)
    await page.wait_for_function(AT, arg=begins)
    await page.keyboard.press("c")
    await expect(page.locator("#judge-said")).to_have_text("Confirmed. Saved.")
    await page.reload()
    await page.get_by_role("button", name="Alerts", exact=True).click()
    await expect(page.locator(f".flag-row[data-incident='{phone['id']}']")).to_contain_text("Confirmed")
    await page.keyboard.press("k")
    await expect(page.locator("#judge")).to_be_visible()
    await page.context.close()


FETCH_JSON = "async (path) => (await fetch(path)).json()"
TRY_SOCKET = """(path) => new Promise((resolve) => {
    const socket = new WebSocket(new URL(path, location.href).href.replace("http", "ws"));
    socket.onopen = () => resolve(true);
    socket.onerror = () => resolve(false);
})"""
UNTIL_LOADED = """() => new Promise((resolve) => {
    const video = document.querySelector("#video");
    const tell = () => video.readyState >= 1 && Number.isFinite(video.duration) && resolve(video.duration);
    for (const name of ["loadedmetadata", "durationchange"]) video.addEventListener(name, tell);
    tell();
})"""
FETCH_RANGE = """async (url) => {
    const answer = await fetch(url, { headers: { Range: "bytes=500-1499" } });
    const bytes = (await answer.arrayBuffer()).byteLength;
    return { status: answer.status, range: answer.headers.get("Content-Range"), bytes };
}"""
AT = "(seconds) => Math.abs(document.querySelector('#video').currentTime - seconds) < 0.5"
SHOWN = "async (image) => { await image.decode(); return image.naturalWidth; }"


async def until_shown(image: Locator) -> int:
    """The width of an image once it is there."""
    return int(await image.evaluate(SHOWN))


async def until_outlined(page: Page, box: Box) -> None:
    """The outline of something near `box` is drawn over the picture in focus."""
    corners = {"left": box.left, "top": box.top, "right": box.right, "bottom": box.bottom}
    await page.wait_for_function(
        f"(given) => ({chromium.OUTLINE})(given) > 0.7",
        arg=["#focus-overlay", "#focus-video", corners],
        timeout=PATIENCE_MS,
    )


async def interventions(server: ExamServer, student: Student) -> list[Intervention]:
    async with server.database.reading() as tx:
        return await tx.interventions.of_attempt(student.attempt)
