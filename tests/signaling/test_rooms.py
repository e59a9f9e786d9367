"""A room follows its exam's log; who comes before the log was followed is let in all the same."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.attempts import AttemptStatus
from core.errors import NotFound
from core.exams import ExamStatus
from core.people import Role
from db import migrate
from db.database import Database
from db.exams import Exam
from signaling.rooms import Rooms


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'rooms.db'}"
    await migrate.upgrade(url)
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture
async def exam(database: Database) -> Exam:
    async with database.transaction() as tx:
        owner = await tx.users.add(email="ada@example.org", name="Ada", role=Role.PROFESSOR)
        return await tx.exams.add(title="Algebra", owner_id=owner.id, duration_s=60.0, status=ExamStatus.OPEN)


async def admit(database: Database, exam: Exam, name: str) -> str:
    async with database.transaction() as tx:
        student = await tx.users.add(email=f"{name}@example.org", name=name, role=Role.STUDENT)
        return (await tx.attempts.admit(exam.id, student.id)).id


async def test_a_page_may_come_before_the_record_of_its_admission(database: Database, exam: Exam) -> None:
    rooms = Rooms(database, lambda: 0.0)
    room = await rooms.room(exam.id)
    attempt = await admit(database, exam, "sam")
    # Nothing has waited since: the room cannot have followed the log yet.
    assert attempt not in room.seats
    seat = await room.seat(attempt)
    assert (seat.attempt_id, seat.status) == (attempt, AttemptStatus.NONE)
    assert rooms.find(attempt) == (room, seat)
    await rooms.aclose()


async def test_several_at_once_share_one_seat(database: Database, exam: Exam) -> None:
    rooms = Rooms(database, lambda: 0.0)
    room = await rooms.room(exam.id)
    attempt = await admit(database, exam, "sam")
    seats = await asyncio.gather(*(room.seat(attempt) for _ in range(5)))
    assert all(seat is seats[0] for seat in seats)
    await rooms.aclose()


async def test_a_stranger_has_no_seat(database: Database, exam: Exam) -> None:
    rooms = Rooms(database, lambda: 0.0)
    room = await rooms.room(exam.id)
    with pytest.raises(NotFound):
        await room.seat("nobody")
    await rooms.aclose()
