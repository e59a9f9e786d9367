"""What browsers said, what students agreed to, what proctors looked at."""

from __future__ import annotations

import pytest

from core.errors import NotFound
from core.people import Role
from core.samples import ClientSignal, SignalKind
from db.database import Database
from tests.db.conftest import HandClock
from tests.db.people import make_sitting


async def test_signals_come_back_in_order_of_time(database: Database) -> None:
    attempt_id = (await make_sitting(database)).attempt.id
    signals = [
        ClientSignal(1.000001, SignalKind.TAB_HIDDEN),
        ClientSignal(2.0, SignalKind.DISPLAYS, {"count": 2}),
        ClientSignal(2.0, SignalKind.PASTE, {"length": 17, "text": "ü"}),
    ]
    async with database.transaction() as tx:
        for signal in (signals[1], signals[2], signals[0]):
            await tx.signals.add(attempt_id, signal)

    async with database.reading() as tx:
        assert await tx.signals.of_attempt(attempt_id) == signals


async def test_the_latest_answer_to_this_very_text_counts(database: Database, clock: HandClock) -> None:
    sitting = await make_sitting(database)
    attempt_id = sitting.attempt.id

    async def holds(version: str) -> bool:
        async with database.reading() as tx:
            return await tx.consents.holds(attempt_id, version)

    assert not await holds("v1")
    async with database.transaction() as tx:
        event = await tx.consents.add(
            attempt_id, text_version="v1", given=True, address="2001:db8::1", user_agent="Firefox"
        )
    assert (event.type, event.actor, event.payload) == (
        "attempt.consent",
        sitting.student.id,
        {"text_version": "v1", "given": True},
    )
    assert await holds("v1")
    assert not await holds("v2"), "another text needs another answer"

    async with database.transaction() as tx:
        await tx.consents.add(attempt_id, text_version="v1", given=False)
    assert not await holds("v1"), "taken back"
    async with database.transaction() as tx:
        with pytest.raises(NotFound):
            await tx.consents.add("none", text_version="v1", given=True)


async def test_coverage_knows_the_latest_look_of_anybody(database: Database) -> None:
    sitting = await make_sitting(database)
    async with database.transaction() as tx:
        assert await tx.looks.of_exam(sitting.exam.id) == {}
        proctor = await tx.users.add(email="q@example.org", name="Q", role=Role.PROCTOR)
        await tx.looks.add(sitting.attempt.id, proctor.id, 10.0)
        await tx.looks.add(sitting.attempt.id, sitting.professor.id, 20.0)
        await tx.looks.add(sitting.attempt.id, proctor.id, 15.0)

    async with database.reading() as tx:
        assert await tx.looks.of_exam(sitting.exam.id) == {sitting.attempt.id: 20.0}
