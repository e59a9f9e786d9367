"""Attempts: admitted once, changed only as the table allows, with ledger and event or not at all."""

from __future__ import annotations

import asyncio
from itertools import product

import numpy as np
import pytest

from core.attempts import Action, AttemptStatus, allowed
from core.errors import Conflict, IllegalTransition, NotFound, ProctorError
from core.ledger import ClockEntry, ClockKind
from core.people import Role
from db.attempts import Attempt, Enrolment
from db.database import Database
from tests.db.conftest import HandClock
from tests.db.people import apply, make_sitting

WAY_TO: dict[AttemptStatus, tuple[Action, ...]] = {
    AttemptStatus.NONE: (),
    AttemptStatus.RUNNING: (Action.START,),
    AttemptStatus.PAUSED: (Action.START, Action.PAUSE),
    AttemptStatus.TERMINATED: (Action.START, Action.TERMINATE),
    AttemptStatus.COMPLETE: (Action.START, Action.COMPLETE),
}


async def test_admission_gives_the_same_attempt_again(database: Database, clock: HandClock) -> None:
    sitting = await make_sitting(database)
    async with database.transaction() as tx:
        again = await tx.attempts.admit(sitting.exam.id, sitting.student.id, accommodations={"gaze": False})

    assert again == sitting.attempt
    assert (again.seat, again.status, again.created_at, again.version) == (
        1,
        AttemptStatus.NONE,
        clock.now,
        1,
    )


async def test_a_class_admitted_at_once_gets_one_seat_each(database: Database) -> None:
    exam = (await make_sitting(database)).exam

    async def make(number: int) -> str:
        async with database.transaction() as tx:
            user = await tx.users.add(email=f"{number}@example.org", name="S", role=Role.STUDENT)
        return user.id

    students = [await make(number) for number in range(8)]
    doors = [database.run(lambda tx, id=id: tx.attempts.admit(exam.id, id)) for id in students * 2]
    admitted = await asyncio.gather(*doors)

    assert {attempt.seat for attempt in admitted} == set(range(2, 10))
    async with database.reading() as tx:
        assert [attempt.seat for attempt in await tx.attempts.of_exam(exam.id)] == list(range(1, 10))


async def test_a_change_is_one_with_its_ledger_entry_and_its_event(
    database: Database, clock: HandClock
) -> None:
    sitting = await make_sitting(database, duration_s=100.0)
    attempt_id = sitting.attempt.id
    await apply(database, attempt_id, Action.START)
    started_at = clock.now
    clock.now += 30.5
    async with database.transaction() as tx:
        change = await tx.attempts.apply(
            attempt_id, Action.PAUSE, actor=sitting.professor.id, reason="fire alarm", version=2
        )

    async with database.reading() as tx:
        assert await tx.attempts.get(attempt_id) == change.attempt
        assert await tx.ledger.entries(attempt_id) == [
            ClockEntry(started_at, ClockKind.STARTED),
            ClockEntry(clock.now, ClockKind.PAUSED, 0.0, sitting.professor.id, "fire alarm"),
        ]
        events = await tx.events.of_attempt(attempt_id)
    assert [event.type for event in events] == ["attempt.admitted", "attempt.status", "attempt.status"]
    assert events[-1] == change.event
    assert change.event.actor == sitting.professor.id
    assert change.event.payload == {
        "status": "paused",
        "previous": "running",
        "action": "pause",
        "reason": "fire alarm",
        "time_left_s": pytest.approx(69.5),
    }
    assert (change.attempt.status, change.attempt.version) == (AttemptStatus.PAUSED, 3)
    assert (change.attempt.started_at, change.attempt.ended_at) == (started_at, None)


ILLEGAL = [
    (status, action) for status, action in product(AttemptStatus, Action) if action not in allowed(status)
]


@pytest.mark.parametrize(("status", "action"), ILLEGAL)
async def test_what_the_table_forbids_changes_nothing(
    database: Database, status: AttemptStatus, action: Action
) -> None:
    attempt_id = (await make_sitting(database)).attempt.id
    await apply(database, attempt_id, *WAY_TO[status])
    before = await state_of(database, attempt_id)

    with pytest.raises(IllegalTransition):
        await apply(database, attempt_id, action)

    assert await state_of(database, attempt_id) == before


@pytest.mark.parametrize("action", [Action.TERMINATE, Action.COMPLETE])
async def test_an_end_has_a_time(database: Database, clock: HandClock, action: Action) -> None:
    attempt_id = (await make_sitting(database)).attempt.id
    await apply(database, attempt_id, Action.START)
    clock.now += 7.25

    assert (await apply(database, attempt_id, action)).ended_at == clock.now


async def test_two_proctors_who_act_at_once_act_once(database: Database) -> None:
    attempt_id = (await make_sitting(database)).attempt.id
    await apply(database, attempt_id, Action.START)

    async def pause() -> Attempt:
        change = await database.run(lambda tx: tx.attempts.apply(attempt_id, Action.PAUSE, actor=None))
        return change.attempt

    results = await asyncio.gather(*(pause() for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(result, Attempt) for result in results) == 1
    assert sum(isinstance(result, IllegalTransition) for result in results) == 4
    async with database.reading() as tx:
        kinds = [entry.kind for entry in await tx.ledger.entries(attempt_id)]
    assert kinds == [ClockKind.STARTED, ClockKind.PAUSED]


async def test_acting_on_an_old_view_is_a_conflict(database: Database) -> None:
    seen = (await make_sitting(database)).attempt
    await apply(database, seen.id, Action.START)

    with pytest.raises(Conflict, match="changed this attempt"):
        async with database.transaction() as tx:
            await tx.attempts.apply(seen.id, Action.TERMINATE, actor=None, version=seen.version)


async def test_under_way_is_what_a_restarted_server_takes_up(database: Database) -> None:
    sitting = await make_sitting(database)
    exam_id, attempt_id = sitting.exam.id, sitting.attempt.id
    steps = ((Action.START, 1), (Action.PAUSE, 1), (Action.RESUME, 1), (Action.COMPLETE, 0))
    for action, expected in steps:
        await apply(database, attempt_id, action)
        async with database.reading() as tx:
            assert len(await tx.attempts.under_way()) == expected
            assert len(await tx.attempts.of_exam(exam_id)) == 1


async def test_grants_move_the_clock_and_are_told(database: Database, clock: HandClock) -> None:
    sitting = await make_sitting(database, duration_s=100.0)
    attempt_id = sitting.attempt.id
    await apply(database, attempt_id, Action.START)
    clock.now += 40
    async with database.transaction() as tx:
        await tx.ledger.grant(attempt_id, ClockKind.OUTAGE_CREDIT, 15.5, actor=None, reason="media restarted")
        event = await tx.ledger.grant(
            attempt_id, ClockKind.EXTENDED, 60, actor=sitting.professor.id, reason="late start"
        )

    assert (event.type, event.actor) == ("attempt.clock", sitting.professor.id)
    assert event.payload == {
        "kind": "extended",
        "seconds": 60,
        "reason": "late start",
        "time_left_s": pytest.approx(135.5),
    }
    async with database.reading() as tx:
        assert await tx.ledger.time_left(attempt_id) == pytest.approx(135.5)
        assert await tx.ledger.time_left(attempt_id, clock.now + 100) == pytest.approx(35.5)
        assert len((await tx.ledger.entries_of([attempt_id, "other"]))[attempt_id]) == 3


async def test_enrolment_is_kept_to_the_bit_and_erased(database: Database) -> None:
    attempt_id = (await make_sitting(database)).attempt.id
    face = np.random.default_rng(1).normal(size=128).tobytes()
    first = Enrolment(face=face, face_engine="dlib", picture_key="a/face.jpg", calibration={"yaw": 0.1})
    second = Enrolment(face=face, face_engine="dlib", voice=b"\0\xff" * 40_000, voice_engine="x")
    for enrolment in (first, second):
        async with database.transaction() as tx:
            await tx.attempts.enrol(attempt_id, enrolment)
        async with database.reading() as tx:
            assert await tx.attempts.enrolment(attempt_id) == enrolment

    async with database.transaction() as tx:
        await tx.attempts.erase_enrolment(attempt_id)
        await tx.attempts.erase_enrolment(attempt_id)
    async with database.reading() as tx:
        assert await tx.attempts.enrolment(attempt_id) is None


async def test_what_does_not_exist_is_not_found(database: Database) -> None:
    async with database.transaction() as tx:
        for refused in (
            tx.attempts.get("none"),
            tx.attempts.lock("none"),
            tx.attempts.apply("none", Action.START, actor=None),
            tx.attempts.admit("none", "nobody"),
            tx.attempts.enrol("none", Enrolment()),
            tx.ledger.time_left("none"),
            tx.ledger.grant("none", ClockKind.EXTENDED, 1, actor=None, reason=""),
        ):
            with pytest.raises(NotFound):
                await refused
        assert issubclass(NotFound, ProctorError)


async def state_of(database: Database, attempt_id: str) -> object:
    async with database.reading() as tx:
        return (
            await tx.attempts.get(attempt_id),
            await tx.ledger.entries(attempt_id),
            await tx.events.of_attempt(attempt_id),
        )
