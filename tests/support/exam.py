"""A running server with an exam on it, and the links of everybody who takes part."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.server import RunningServer, running
from core.exams import ExamStatus
from core.people import Role
from db.attempts import Attempt
from db.base import new_id
from db.database import Database, Transaction
from web.demonstration.seed import PAPER
from web.links import Links

SEGMENT_S = 4.0
"""Shorter than in earnest, so that a story need not last long to have several."""


@dataclass(frozen=True, slots=True)
class Exam:
    """Signed links by name; `proctor` and `professor` are staff of the exam."""

    id: str
    url: str
    students: Mapping[str, str]
    proctor: str
    professor: str


@dataclass(frozen=True, slots=True)
class ExamServer:
    running: RunningServer
    database: Database
    """The server's own, opened once more: the same rows, seen from outside."""

    @property
    def url(self) -> str:
        return self.running.settings.base_url

    async def exam(self, *names: str) -> Exam:
        """A new open exam for these students."""
        run = new_id()[:8]

        async def work(tx: Transaction) -> tuple[str, list[str], Sequence[str]]:
            async def person(name: str, role: Role) -> str:
                email = f"{run}-{name.lower().replace(' ', '.')}@example.org"
                return (await tx.users.add(email=email, name=name, role=role)).id

            professor = await person("Ada Keller", Role.PROFESSOR)
            proctor = await person("Pat Moreau", Role.PROCTOR)
            exam = await tx.exams.add(
                title="Physics, first midterm", owner_id=professor, duration_s=7200.0,
                status=ExamStatus.OPEN, content=PAPER.strip(),
            )  # fmt: skip
            await tx.exams.assign(exam.id, proctor, Role.PROCTOR)
            students = [await person(name, Role.STUDENT) for name in names]
            return exam.id, students, (proctor, professor)

        exam_id, students, (proctor, professor) = await self.database.run(work)
        links = Links(self.running.settings.signing_key(), self.url, time.time)

        def link(user: str) -> str:
            return links.make(user, exam_id)

        invited = {name: link(user) for name, user in zip(names, students, strict=True)}
        return Exam(exam_id, self.url, invited, link(proctor), link(professor))

    async def attempt(self, attempt_id: str) -> Attempt:
        async with self.database.reading() as tx:
            return await tx.attempts.get(attempt_id)


@asynccontextmanager
async def exam_server(directory: Path) -> AsyncIterator[ExamServer]:
    environment = {
        "INVIGIL_LOG_LEVEL": "warning",
        "INVIGIL_RECORDING__SEGMENT_S": str(SEGMENT_S),
        "INVIGIL_RECORDING__MIN_FREE_MB": "1",
    }
    async with running(directory, environment) as server:
        database = Database(server.settings.database)
        try:
            yield ExamServer(server, database)
        finally:
            await database.close()
