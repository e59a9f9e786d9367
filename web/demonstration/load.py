"""`invigil simulate`: an exam of its own on a server whose database and key are at hand, full of
simulated students.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from rich.console import Console

from config.settings import Settings
from core.attempts import Action
from core.exams import ExamStatus
from core.people import Role
from db import migrate
from db.base import new_id
from db.database import Database, Transaction
from db.exams import Exam
from db.users import User
from simulation import clips
from simulation.load import Load, distribute, run_load
from web.demonstration.seed import DOMAIN, PAPER
from web.links import Links
from web.serving import until_told_to_stop


async def simulate(
    settings: Settings,
    *,
    url: str,
    students: int,
    clip_names: Sequence[str],
    watchers: int,
    seconds: float | None,
    console: Console,
) -> None:
    """Until the time is over or Ctrl-C. Raises UnknownClip, MissingMedia, Unreachable, LinkRefused."""
    playing = [await asyncio.to_thread(clips.find, name) for name in clip_names]
    await migrate.check(settings.database)
    database = Database(settings.database)
    try:
        exam, people, staff = await seed_load(database, students, watchers)
        links = Links(settings.signing_key(), url, time.time)
        casts = distribute([links.make(person.id, exam.id) for person in people], playing)
        watching = [links.make(person.id, exam.id) for person in staff]
        try:
            await _until_stopped(run_load(casts, watching, seconds=seconds, console=console))
        finally:
            await database.run(lambda tx: _close(tx, exam))
    finally:
        await database.close()


async def _until_stopped(load: Coroutine[Any, Any, Load]) -> None:
    running = asyncio.ensure_future(load)
    told = asyncio.ensure_future(until_told_to_stop())
    try:
        await asyncio.wait({running, told}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def seed_load(database: Database, students: int, watchers: int) -> tuple[Exam, list[User], list[User]]:
    """An open exam of its own, its students and the proctors who watch it."""
    run = new_id()[:8]

    async def work(tx: Transaction) -> tuple[Exam, list[User], list[User]]:
        owner = await tx.users.add(email=f"load-{run}@{DOMAIN}", name="Load", role=Role.PROFESSOR)
        exam = await tx.exams.add(
            title=f"Load {run}",
            owner_id=owner.id,
            duration_s=24 * 3600.0,
            status=ExamStatus.OPEN,
            content=PAPER.strip(),
        )
        people = [
            await tx.users.add(email=f"load-{run}-{n}@{DOMAIN}", name=f"Student {n}", role=Role.STUDENT)
            for n in range(1, students + 1)
        ]
        staff = [
            await tx.users.add(email=f"load-{run}-p{n}@{DOMAIN}", name=f"Proctor {n}", role=Role.PROCTOR)
            for n in range(1, watchers + 1)
        ]
        for person in staff:
            await tx.exams.assign(exam.id, person.id, Role.PROCTOR)
        return exam, people, staff

    return await database.run(work)


async def _close(tx: Transaction, exam: Exam) -> None:
    for attempt in await tx.attempts.of_exam(exam.id):
        if not attempt.status.over:
            await tx.attempts.apply(attempt.id, Action.TERMINATE, actor=None, reason="the load has ended")
    await tx.exams.set_status(exam.id, ExamStatus.CLOSED)
