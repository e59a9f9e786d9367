"""From findings to the record, over a real database and real files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from core.attempts import Action
from core.exams import ExamStatus
from core.findings import Finding, Phase
from core.incidents import Incident
from core.kinds import Kind
from core.people import Role
from db import migrate
from db.database import Database
from db.objects import DiskEvidence, IndexedEvidence
from signaling.incidents_desk import IncidentsDesk
from signaling.rooms import ExamRoom, Rooms
from signaling.seat import Seat

JPEG = b"\xff\xd8\xff a picture"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Office:
    database: Database
    rooms: Rooms
    desk: IncidentsDesk
    evidence: DiskEvidence
    clock: Clock
    room: ExamRoom
    seat: Seat

    async def apply(self, action: Action) -> None:
        async with self.database.transaction() as tx:
            await tx.attempts.apply(self.seat.attempt_id, action, actor=None)
        await self.settle()

    async def settle(self) -> None:
        """What was reported is on record, and the room has read of it."""
        await self.room._catch_up()
        await self.desk._tasks.drain(10)
        await self.room._catch_up()

    async def stored(self) -> list[Incident]:
        await self.settle()
        async with self.database.reading() as tx:
            return [one.incident for one in await tx.incidents.of_attempt(self.seat.attempt_id)]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    url, clock = f"sqlite:///{tmp_path / 'desk.db'}", Clock()
    await migrate.upgrade(url)
    database = Database(url, clock=clock)
    async with database.transaction() as tx:
        professor = await tx.users.add(email="p@example.org", name="P", role=Role.PROFESSOR)
        student = await tx.users.add(email="s@example.org", name="S", role=Role.STUDENT)
        exam = await tx.exams.add(
            title="Exam", owner_id=professor.id, duration_s=3600, status=ExamStatus.OPEN
        )
        attempt = await tx.attempts.admit(exam.id, student.id)
    rooms, files = Rooms(database, clock), DiskEvidence(tmp_path / "evidence")
    desk = IncidentsDesk(database, rooms, IndexedEvidence(files, database, clock=clock), clock)
    room = await rooms.room(exam.id)
    yield Office(database, rooms, desk, files, clock, room, room.seats[attempt.id])
    await desk.aclose()
    await rooms.aclose()
    await database.close()


def finding(kind: Kind = Kind.PHONE, phase: Phase = Phase.START, at: float = 1010.0) -> Finding:
    return Finding(
        id=f"f-{kind}", kind=kind, detector="d", phase=phase, at=at, started_at=1008.0, confidence=0.8
    )


async def test_a_finding_becomes_an_incident_with_its_picture_and_ends(office: Office) -> None:
    await office.apply(Action.START)
    office.desk.report(office.seat, finding(), JPEG)
    (opened,) = await office.stored()
    assert opened.open
    assert opened.started_at == 1008.0
    assert opened.evidence is not None
    assert await office.evidence.get(opened.evidence) == JPEG
    office.desk.report(office.seat, replace(finding(phase=Phase.END, at=1020.0), ended_at=1018.0))
    (closed,) = await office.stored()
    assert closed.ended_at == 1018.0
    assert office.seat.incidents[closed.id].ended_at == 1018.0, "the wall knows too"


async def test_before_the_start_nothing_is_recorded_and_what_holds_counts_from_the_start(
    office: Office,
) -> None:
    office.desk.report(office.seat, finding(Kind.PHONE))
    office.desk.report(office.seat, finding(Kind.BOOK))
    office.desk.report(office.seat, finding(Kind.BOOK, Phase.END, 1012.0))
    assert await office.stored() == []
    office.clock.now = 1100.0
    await office.apply(Action.START)
    (opened,) = await office.stored()
    assert (opened.kind, opened.started_at) == (Kind.PHONE, 1100.0)


async def test_the_end_closes_what_is_open_and_later_findings_are_nothing(office: Office) -> None:
    await office.apply(Action.START)
    office.desk.report(office.seat, finding())
    await office.settle()
    office.clock.now = 1200.0
    await office.apply(Action.COMPLETE)
    (closed,) = await office.stored()
    assert closed.ended_at == 1200.0
    office.desk.report(office.seat, finding(Kind.BOOK, at=1201.0))
    assert len(await office.stored()) == 1


async def test_what_a_crashed_detector_saw_ends_without_an_all_clear(office: Office) -> None:
    await office.apply(Action.START)
    office.desk.report(office.seat, finding())
    office.desk.begin(office.seat, Kind.ANALYSIS_GAP, "analysis")
    await office.settle()
    office.desk.abandon(office.seat)
    phone, gap = sorted(await office.stored(), key=lambda one: one.kind is Kind.ANALYSIS_GAP)
    assert not phone.open
    assert phone.attributes is not None
    assert phone.attributes["ended"] == "could_not_measure"
    assert gap.open, "what is broken stays broken"


async def test_trouble_is_counted_once_however_often_it_is_said(office: Office) -> None:
    await office.apply(Action.START)
    for _ in range(3):
        office.desk.begin(office.seat, Kind.DISCONNECTED, "media")
    office.desk.begin(office.seat, Kind.DISCONNECTED, "page")
    (trouble,) = await office.stored()
    assert trouble.findings == 2, "media and page, one incident"
    office.desk.end(office.seat, Kind.DISCONNECTED, "media")
    (trouble,) = await office.stored()
    assert trouble.open, "the page is still away"
    office.desk.end(office.seat, Kind.DISCONNECTED, "page")
    office.desk.end(office.seat, Kind.DISCONNECTED, "page")
    (trouble,) = await office.stored()
    assert not trouble.open


async def test_findings_are_taken_in_the_order_they_came(office: Office) -> None:
    await office.apply(Action.START)
    for n in range(20):
        office.desk.report(office.seat, finding(phase=Phase.START if n == 0 else Phase.UPDATE, at=1010.0 + n))
    office.desk.report(office.seat, replace(finding(phase=Phase.END, at=1040.0), ended_at=1035.0))
    (closed,) = await office.stored()
    assert closed.ended_at == 1035.0
    async with office.database.reading() as tx:
        events = [one.type for one in await tx.events.of_attempt(office.seat.attempt_id)]
    assert events[-1] == "incident.closed"


async def test_a_flood_of_updates_is_bounded_and_counted(office: Office) -> None:
    await office.apply(Action.START)
    office.desk.report(office.seat, finding())
    for n in range(1000):
        office.desk.report(office.seat, finding(phase=Phase.UPDATE, at=1011.0 + n / 1000))
    office.desk.report(office.seat, replace(finding(phase=Phase.END, at=1040.0), ended_at=1035.0))
    assert office.desk.dropped > 0
    (closed,) = await office.stored()
    assert closed.ended_at == 1035.0, "an end is never dropped"


async def test_a_gap_found_afterwards_is_on_the_record_whole(office: Office) -> None:
    await office.apply(Action.START)
    office.desk.note(office.seat, Kind.RECORDING_GAP, 1050.0, 1056.0, "missing")
    (gap,) = await office.stored()
    assert (gap.started_at, gap.ended_at) == (1050.0, 1056.0)
