"""One student with a phone, from the signed link to the recording: every part is the real one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, expect

from tests.support.exam import Exam, ExamServer
from tests.support.people import PATIENCE_MS, Proctor, Student, proctor, student

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
    proctor: Proctor


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sitting(
    playwright: Playwright, browser: Browser, server: ExamServer, clip: EnsureClip
) -> AsyncIterator[Sitting]:
    """Paula, who has a phone, has started; Pat watches. The stories below share them, and the last ends it."""
    exam = await server.exam("Paula Costa", "Nora Lind")
    async with (
        proctor(browser, exam.proctor) as pat,
        student(playwright, exam, "Paula Costa", await clip("phone")) as paula,
    ):
        await paula.sit_down()
        yield Sitting(exam, paula, pat)


async def test_the_wall_shows_the_moving_picture(sitting: Sitting) -> None:
    pat, paula = sitting.proctor, sitting.student
    low = await pat.until_moving(paula)
    assert (low["width"], low["height"]) == (160, 120)
    await expect(pat.page.locator("#summary")).to_have_text("1 of 1 live")
