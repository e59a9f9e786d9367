"""Two students, each with a browser: one leaves and comes back, one talks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, expect

from tests.support.exam import ExamServer
from tests.support.people import PATIENCE_MS, Proctor, Student, proctor, student

from .conftest import EnsureClip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
]

CAST = {"Amir Rahimi": "absent", "Tilda Berg": "speech"}
"""Who plays which clip."""

Class = tuple[Proctor, dict[str, Student]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def classroom(
    playwright: Playwright, browser: Browser, server: ExamServer, clip: EnsureClip
) -> AsyncIterator[Class]:
    """All of the cast have started."""
    exam = await server.exam(*CAST)
    async with AsyncExitStack() as stack:
        pat = await stack.enter_async_context(proctor(browser, exam.proctor))
        sitting: dict[str, Student] = {}
        for name, played in CAST.items():
            coming = student(playwright, exam, name, await clip(played))
            sitting[played] = await stack.enter_async_context(coming)
        await asyncio.gather(*(one.sit_down() for one in sitting.values()))
        yield pat, sitting


async def test_who_leaves_is_missed_and_who_is_back_is_not(classroom: Class) -> None:
    pat, sitting = classroom
    alert = await pat.expect_alert(sitting["absent"], "No face")
    await expect(alert).to_have_attribute("data-open", "no", timeout=PATIENCE_MS)
    closed = await pat.incident(sitting["absent"], "no_face", "closed")
    assert 4 < closed["ended_at"] - closed["started_at"] < 20


async def test_speech_is_heard(classroom: Class) -> None:
    pat, sitting = classroom
    await pat.expect_alert(sitting["speech"], "Speech")


async def test_each_is_told_of_the_right_student(classroom: Class) -> None:
    """Nobody is blamed for what happened at another's desk."""
    pat, sitting = classroom
    for one in sitting.values():
        await pat.until_moving(one)
    assert not await pat.alert(sitting["speech"], "No face").count()
    assert not await pat.alert(sitting["absent"], "Speech").count()
