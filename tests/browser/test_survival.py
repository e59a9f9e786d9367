"""A worker process is killed in the middle of an exam: all come back by themselves, and it is on record."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import psutil
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, expect

from core.incidents import Incident
from core.kinds import Category, Kind
from db.segments import RecordingGap, Segment
from tests.support.clients import until
from tests.support.exam import SEGMENT_S, ExamServer, exam_server
from tests.support.people import PATIENCE_MS, Proctor, Student, proctor, student

from .conftest import EnsureClip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(240),
]
T = TypeVar("T")
PATIENCE_S = PATIENCE_MS / 1000
SLACK_S = 5.0
"""What a segment may be late on a busy machine."""


@dataclass
class Sitting:
    server: ExamServer
    student: Student
    proctor: Proctor

    async def segments(self) -> list[Segment]:
        async with self.server.database.reading() as tx:
            return await tx.segments.of_attempt(self.student.attempt, "main")

    async def gaps(self) -> list[RecordingGap]:
        async with self.server.database.reading() as tx:
            return await tx.segments.gaps(self.student.attempt)

    async def incidents(self, kind: Kind) -> list[Incident]:
        async with self.server.database.reading() as tx:
            stored = await tx.incidents.of_attempt(self.student.attempt)
        return [one.incident for one in stored if one.incident.kind is kind]

    async def kill(self, part: Literal["media", "analysis"]) -> float:
        """As the kernel does when memory runs out; when, in UNIX seconds."""
        (pid,) = self.server.running.parts()[part]
        killed_at = time.time()
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not psutil.pid_exists(pid), PATIENCE_S, f"{part} is dead")
        return killed_at


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sitting(
    playwright: Playwright, browser: Browser, tmp_path_factory: pytest.TempPathFactory, clip: EnsureClip
) -> AsyncIterator[Sitting]:
    """On a server of their own, which is harmed."""
    async with exam_server(tmp_path_factory.mktemp("survival")) as server:
        exam = await server.exam("Nora Lind")
        async with (
            proctor(browser, exam.proctor) as pat,
            student(playwright, exam, "Nora Lind", await clip("normal")) as nora,
        ):
            await nora.sit_down()
            await pat.until_moving(nora)
            yield Sitting(server, nora, pat)


async def test_a_killed_media_process_costs_no_more_than_a_segment(
    sitting: Sitting, record_property: Callable[[str, object], None]
) -> None:
    pat, nora, attempt = sitting.proctor, sitting.student, sitting.student.attempt
    await eventually(sitting.segments, bool)
    killed_at = await sitting.kill("media")
    up = await pat.log.wait("worker", lambda told: told["state"] == "up", since=killed_at)
    offered = await nora.log.wait("published", since=killed_at, within=PATIENCE_S)
    live = await pat.log.wait(
        "tile", lambda tile: tile["state"] == "live" and tile["attempt"] == attempt,
        since=offered.at, within=PATIENCE_S,
    )  # fmt: skip
    size = await pat.until_moving(nora)
    moving_at = time.time()
    assert size["width"] == 160
    await expect(nora.page.locator("#content")).to_contain_text("Part one")
    assert nora.log.of("welcome")[-1]["attempt"]["id"] == attempt
    for what, at in (("up", up.at), ("offered", offered.at), ("live", live.at), ("moving", moving_at)):
        record_property(f"{what}_after_s", round(at - killed_at, 2))

    before = [one for one in await sitting.segments() if one.started_at < killed_at]
    after = await eventually(
        sitting.segments, lambda found: [one for one in found if one.started_at > killed_at]
    )
    lost = killed_at - before[-1].ended_at
    record_property("recording_lost_s", round(lost, 2))
    assert lost < SEGMENT_S + SLACK_S
    assert len({one.number for one in after}) == len(after)
    (gap,) = await eventually(sitting.gaps, bool)
    assert gap.started_at <= killed_at <= gap.ended_at
    (told,) = await eventually(lambda: sitting.incidents(Kind.RECORDING_GAP), bool)
    assert told.started_at <= killed_at


async def test_a_killed_analysis_is_said_and_never_an_all_clear(
    sitting: Sitting, record_property: Callable[[str, object], None]
) -> None:
    pat, nora = sitting.proctor, sitting.student
    await pat.until_moving(nora)
    note = pat.tile("Nora Lind").locator(".tile-note")
    noted = asyncio.create_task(expect(note).to_have_text("analysis restarting", timeout=PATIENCE_MS))
    killed_at = await sitting.kill("analysis")
    blind = await pat.log.wait(
        "tile", lambda tile: "crashed" in tile.get("blind", {}).values(), since=killed_at, within=PATIENCE_S
    )
    assert set(blind.message["blind"].values()) == {"crashed"}
    await noted
    await pat.until_moving(nora)
    sees = await pat.log.wait(
        "tile",
        lambda tile: "crashed" not in tile.get("blind", {}).values(),
        since=blind.at,
        within=PATIENCE_S,
    )
    record_property("sees_again_after_s", round(sees.at - killed_at, 2))
    await expect(note).not_to_have_text("analysis restarting")
    gaps = await eventually(
        lambda: sitting.incidents(Kind.ANALYSIS_GAP), lambda found: found and found[-1].ended_at is not None
    )
    assert gaps[-1].category is Category.TECHNICAL
    assert gaps[-1].started_at == pytest.approx(killed_at, abs=3)
    async with pat.looking_at(nora):
        await pat.log.wait("overlay", lambda told: told["boxes"], since=sees.at, within=PATIENCE_S)


async def eventually(look: Callable[[], Awaitable[T]], done: Callable[[T], object]) -> T:
    """What `look` finds once it is `done`. Raises AssertionError."""
    ends = time.monotonic() + PATIENCE_S
    while not done(found := await look()):
        assert time.monotonic() < ends, found
        await asyncio.sleep(0.1)
    return found
