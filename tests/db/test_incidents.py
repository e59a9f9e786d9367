"""Incidents: stored as they grow, judged by people, taken up again after a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import NotFound
from core.incidents import Verdict
from db.database import Database
from db.incidents import Step
from tests.db.conftest import HandClock
from tests.db.people import make_sitting, phone


async def test_an_incident_grows_under_one_id(database: Database) -> None:
    sitting = await make_sitting(database)
    opened = phone(sitting.attempt.id)
    closed = replace(opened, ended_at=25.125, confidence=0.9, findings=3, evidence="a/1.jpg", announced=False)
    async with database.transaction() as tx:
        first = await tx.incidents.record(sitting.exam.id, opened, Step.OPENED)
    async with database.transaction() as tx:
        last = await tx.incidents.record(sitting.exam.id, closed, Step.CLOSED)

    async with database.reading() as tx:
        (stored,) = await tx.incidents.of_attempt(sitting.attempt.id)
        assert await tx.incidents.of_exam(sitting.exam.id) == [stored]
        assert await tx.incidents.get("incident-1") == stored
    assert stored.incident == closed
    assert (stored.exam_id, stored.judgement) == (sitting.exam.id, None)
    assert (first.type, first.at, last.type, last.at) == ("incident.opened", 10.0, "incident.closed", 25.125)
    assert last.payload == {
        "id": "incident-1",
        "kind": "phone",
        "severity": "high",
        "category": "suspicion",
        "started_at": 10.0,
        "ended_at": 25.125,
        "confidence": 0.9,
        "findings": 3,
        "evidence": "a/1.jpg",
        "announced": False,
        "attributes": {"label": "phone", "area": 0.125},
    }


async def test_open_ones_are_taken_up_again(database: Database) -> None:
    sitting = await make_sitting(database)
    attempt_id = sitting.attempt.id
    going_on = phone(attempt_id, id="b", started_at=2.0)
    over = replace(phone(attempt_id, id="a", started_at=1.0), ended_at=3.0, attributes=None)
    async with database.transaction() as tx:
        await tx.incidents.upsert(sitting.exam.id, going_on)
        await tx.incidents.upsert(sitting.exam.id, over)

    async with database.reading() as tx:
        assert await tx.incidents.open_of_attempt(attempt_id) == [going_on]
        assert [stored.incident for stored in await tx.incidents.of_attempt(attempt_id)] == [over, going_on]


async def test_a_verdict_is_a_persons_and_survives_the_machine(database: Database, clock: HandClock) -> None:
    sitting = await make_sitting(database)
    incident = phone(sitting.attempt.id)
    async with database.transaction() as tx:
        await tx.incidents.upsert(sitting.exam.id, incident)
        event = await tx.incidents.judge(
            incident.id, Verdict.DISMISSED, actor=sitting.professor.id, reason="a calculator"
        )
    assert event.payload == {"id": incident.id, "verdict": "dismissed", "reason": "a calculator"}
    assert (event.type, event.actor) == ("incident.judged", sitting.professor.id)

    async with database.transaction() as tx:
        await tx.incidents.record(sitting.exam.id, replace(incident, findings=2), Step.UPDATED)
        stored = await tx.incidents.get(incident.id)
    assert stored.incident.findings == 2
    assert stored.judgement is not None
    assert (stored.judgement.verdict, stored.judgement.by) == (Verdict.DISMISSED, sitting.professor.id)
    assert (stored.judgement.at, stored.judgement.reason) == (clock.now, "a calculator")


async def test_a_verdict_can_be_taken_back(database: Database) -> None:
    sitting = await make_sitting(database)
    async with database.transaction() as tx:
        await tx.incidents.upsert(sitting.exam.id, phone(sitting.attempt.id))
        await tx.incidents.judge("incident-1", Verdict.CONFIRMED, actor=sitting.professor.id)
        event = await tx.incidents.judge("incident-1", None, actor=sitting.professor.id)

    assert event.payload["verdict"] is None
    async with database.reading() as tx:
        assert (await tx.incidents.get("incident-1")).judgement is None


async def test_no_such_incident(database: Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(NotFound):
            await tx.incidents.get("none")
        with pytest.raises(NotFound):
            await tx.incidents.judge("none", Verdict.CONFIRMED, actor="u")
