"""Interventions: with their reasons on record, acknowledged and undone once."""

from __future__ import annotations

import pytest

from core.errors import NotFound
from core.interventions import InterventionKind
from db.database import Database
from tests.db.conftest import HandClock
from tests.db.people import Sitting, make_sitting


async def intervene(database: Database, sitting: Sitting, kind: InterventionKind) -> str:
    async with database.transaction() as tx:
        made, _ = await tx.interventions.add(
            sitting.attempt.id, kind, actor=sitting.professor.id, reason="because", text="Please stop."
        )
    return made.id


async def test_an_intervention_is_on_record_with_its_event(database: Database, clock: HandClock) -> None:
    sitting = await make_sitting(database)
    async with database.transaction() as tx:
        made, event = await tx.interventions.add(
            sitting.attempt.id,
            InterventionKind.WARN,
            actor=sitting.professor.id,
            reason="phone twice",
            text="Put it away.",
        )

    async with database.reading() as tx:
        assert await tx.interventions.get(made.id) == made
        assert await tx.interventions.of_attempt(sitting.attempt.id) == [made]
        assert await tx.interventions.of_exam(sitting.exam.id) == [made]
    assert (made.at, made.reason, made.text) == (clock.now, "phone twice", "Put it away.")
    assert (event.type, event.attempt_id, event.actor) == (
        "intervention.warn",
        sitting.attempt.id,
        sitting.professor.id,
    )
    assert event.payload == {"id": made.id, "kind": "warn", "reason": "phone twice", "text": "Put it away."}


async def test_a_warning_waits_until_it_is_acknowledged_once(database: Database, clock: HandClock) -> None:
    sitting = await make_sitting(database)
    warning = await intervene(database, sitting, InterventionKind.WARN)
    await intervene(database, sitting, InterventionKind.MESSAGE)
    async with database.reading() as tx:
        assert [each.id for each in await tx.interventions.unacknowledged(sitting.attempt.id)] == [warning]

    clock.now += 5
    async with database.transaction() as tx:
        acknowledged, event = await tx.interventions.acknowledge(warning)
    assert event is not None
    assert (event.type, acknowledged.acknowledged_at) == ("intervention.acknowledged", clock.now)

    clock.now += 5
    async with database.transaction() as tx:
        again, silence = await tx.interventions.acknowledge(warning)
        assert await tx.interventions.unacknowledged(sitting.attempt.id) == []
    assert (again, silence) == (acknowledged, None)


async def test_undoing_keeps_the_record(database: Database, clock: HandClock) -> None:
    sitting = await make_sitting(database)
    warning = await intervene(database, sitting, InterventionKind.WARN)
    async with database.transaction() as tx:
        undone, event = await tx.interventions.undo(
            warning, actor=sitting.professor.id, reason="wrong person"
        )
        again, silence = await tx.interventions.undo(warning, actor="other", reason="")

    assert event is not None
    assert event.payload == {"id": warning, "kind": "warn", "reason": "wrong person"}
    assert (undone.undone_at, undone.undone_by) == (clock.now, sitting.professor.id)
    assert (again, silence) == (undone, None)
    async with database.reading() as tx:
        assert await tx.interventions.of_attempt(sitting.attempt.id) == [undone]
        assert await tx.interventions.unacknowledged(sitting.attempt.id) == []


async def test_flagged_follows_the_latest_mark(database: Database, clock: HandClock) -> None:
    sitting = await make_sitting(database)

    async def flagged() -> bool:
        async with database.reading() as tx:
            return sitting.attempt.id in await tx.interventions.flagged(sitting.exam.id)

    assert not await flagged()
    for kind, expected in ((InterventionKind.FLAG, True), (InterventionKind.UNFLAG, False)):
        clock.now += 1
        await intervene(database, sitting, kind)
        assert await flagged() is expected
    clock.now += 1
    latest = await intervene(database, sitting, InterventionKind.FLAG)
    assert await flagged()
    async with database.transaction() as tx:
        await tx.interventions.undo(latest, actor=sitting.professor.id, reason="")
    assert not await flagged()


async def test_no_such_intervention(database: Database) -> None:
    async with database.transaction() as tx:
        for refused in (
            tx.interventions.get("none"),
            tx.interventions.acknowledge("none"),
            tx.interventions.undo("none", actor="u", reason=""),
            tx.interventions.add("none", InterventionKind.FLAG, actor="u", reason=""),
        ):
            with pytest.raises(NotFound):
                await refused
