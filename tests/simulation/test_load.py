"""Simulated students and a proctor against the whole server: media and analysis processes, database."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from config.settings import Settings, WebSettings, load
from core.attempts import AttemptStatus
from core.exams import ExamStatus
from core.people import Role
from core.samples import SignalKind
from db import migrate
from db.database import Database
from simulation import wire
from simulation.client import PlannedSignal
from simulation.clips import Clip
from simulation.load import Cast, Load
from simulation.watcher import SimulatedWatcher
from web.links import Links
from web.serving import serving

pytestmark = [pytest.mark.media, pytest.mark.slow]


@dataclass(frozen=True)
class House:
    settings: Settings
    students: list[str]
    """Signed links."""
    proctor: str


@asynccontextmanager
async def house(tmp_path: Path, students: int) -> AsyncIterator[House]:
    settings = load(data_dir=tmp_path / "var", web=WebSettings(port=0))
    await migrate.upgrade(settings.database)
    database = Database(settings.database)
    async with database.transaction() as tx:
        owner = await tx.users.add(email="prof@example.org", name="Prof", role=Role.PROFESSOR)
        exam = await tx.exams.add(
            title="Physics", owner_id=owner.id, duration_s=3600, status=ExamStatus.OPEN, content="# 1"
        )
        proctor = await tx.users.add(email="p@example.org", name="Proctor", role=Role.PROCTOR)
        await tx.exams.assign(exam.id, proctor.id, Role.PROCTOR)
        people = [
            await tx.users.add(email=f"s{n}@example.org", name=f"Student {n}", role=Role.STUDENT)
            for n in range(students)
        ]
    await database.close()
    async with serving(settings) as running:
        links = Links(running.signing_key(), running.base_url, time.time)
        yield House(running, [links.make(one.id, exam.id) for one in people], links.make(proctor.id, exam.id))


async def until(condition: Callable[[], object], what: str, seconds: float = 40) -> None:
    """Waits for what shows only in the state of clients."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def opened(watcher: SimulatedWatcher, attempt: str) -> list[str]:
    """Kinds of the incidents that the proctor has heard of."""
    return [
        heard.event.payload["kind"]
        for heard in watcher.events
        if heard.event.event == "incident.opened" and heard.event.attempt == attempt
    ]


async def test_a_class_under_a_proctors_eyes(tmp_path: Path, clip: Callable[[str], Clip]) -> None:
    tab = PlannedSignal(0.2, SignalKind.TAB_HIDDEN)
    async with house(tmp_path, 2) as there:
        casts = [
            Cast(there.students[0], clip("normal")),
            Cast(there.students[1], clip("normal"), 0, (tab,), screen=True),
        ]
        load = Load(casts, [there.proctor], tiles=4)
        quiet, busy = load.students
        (watcher,) = load.watchers
        try:
            await load.start()
            assert await load.until_live(60) == 2
            await until(lambda: len(watcher.tiles) == 2, "both on the wall")
            await until(lambda: all(tile.frames > 20 for tile in watcher.tiles.values()), "both moving")
            for tile in watcher.tiles.values():
                assert tile.keyframes > 0
                assert tile.bytes / tile.frames < 60_000 / 8 / 5 * 2

            opened = lambda: [  # noqa: E731
                heard.event.payload["kind"]
                for heard in watcher.events
                if heard.event.event == "incident.opened" and heard.event.attempt == busy.attempt_id
            ]
            await until(lambda: "tab_hidden" in opened(), "the tab is noticed")

            await watcher.intervene(
                quiet.attempt_id, "warn", "looks away", text="Eyes on your paper, please."
            )
            await until(lambda: quiet.acknowledged == 1, "the warning is acknowledged")
            await watcher.intervene(busy.attempt_id, "terminate", "left the tab", text="This ends here.")
            await until(lambda: busy.status is AttemptStatus.TERMINATED, "the attempt is over")
            assert quiet.status is AttemptStatus.RUNNING
            await quiet.complete()
            await until(lambda: quiet.status is AttemptStatus.COMPLETE, "handed in")
        finally:
            await load.aclose()


def kill_media_process() -> None:
    """The child that has UDP sockets open; its warm spare has none yet."""
    for process in psutil.Process().children(recursive=True):
        if any(one.type is socket.SOCK_DGRAM for one in process.net_connections()):
            process.kill()
            return
    raise AssertionError("no child serves media")


async def test_a_killed_media_process_is_survived_by_students_and_proctors(
    tmp_path: Path, clip: Callable[[str], Clip]
) -> None:
    async with house(tmp_path, 1) as there:
        load = Load([Cast(there.students[0], clip("normal"))], [there.proctor], tiles=2)
        (student,), (watcher,) = load.students, load.watchers
        try:
            await load.start()
            assert await load.until_live(60) == 1
            await until(lambda: any(tile.frames > 5 for tile in watcher.tiles.values()), "the tile moves")
            attempt, (tile,) = student.attempt_id, watcher.tiles.values()
            kill_media_process()
            before = tile.frames
            await until(lambda: student.connections == 2, "a second connection")
            await until(lambda: tile.frames > before + 20, "the tile moves again")
            assert student.attempt_id == attempt
            assert student.status is AttemptStatus.RUNNING
        finally:
            await load.aclose()


async def test_a_link_that_is_none_is_refused_with_a_sentence(
    tmp_path: Path, clip: Callable[[str], Clip]
) -> None:
    async with house(tmp_path, 0) as there:
        load = Load([Cast(f"{there.settings.base_url}/join/nonsense", clip("normal"))])
        await load.start()
        with pytest.raises(wire.LinkRefused, match="could not be used: the server answered 403"):
            await load.until_live(10)
        await load.aclose()


async def test_without_a_server_it_says_how_to_start_one(
    clip: Callable[[str], Clip], unused_tcp_port: int
) -> None:
    load = Load([Cast(f"http://127.0.0.1:{unused_tcp_port}/join/x", clip("normal"))])
    await load.start()
    with pytest.raises(wire.Unreachable, match=r"no server at http://127\.0\.0\.1.*invigil serve"):
        await load.until_live(10)
    await load.aclose()
