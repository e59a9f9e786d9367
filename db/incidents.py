"""Incidents, and the people's verdicts on them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import NotFound
from core.incidents import EventRecord, Incident, Verdict
from core.ports import Clock
from db.event_log import Events
from db.models import IncidentRow
from db.upsert import upsert


class Step(StrEnum):
    """What became of an incident; the events are `incident.<step>`."""

    OPENED = "opened"
    UPDATED = "updated"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    by: str
    """User id."""
    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class StoredIncident:
    incident: Incident
    exam_id: str
    judgement: Judgement | None
    """None until a person has judged."""


class Incidents:
    def __init__(self, session: AsyncSession, events: Events, clock: Clock) -> None:
        self._session = session
        self._events = events
        self._clock = clock

    async def record(self, exam_id: str, incident: Incident, step: Step) -> EventRecord:
        """Store the incident as it is now, with its event. A verdict given meanwhile stays."""
        await self.upsert(exam_id, incident)
        at = incident.started_at if step is Step.OPENED else (incident.ended_at or self._clock())
        return await self._events.append(
            exam_id=exam_id,
            attempt_id=incident.attempt_id,
            type=f"incident.{step}",
            payload=as_payload(incident),
            at=at,
        )

    async def upsert(self, exam_id: str, incident: Incident) -> None:
        """Without an event."""
        values = _values(exam_id, incident)
        update = values.keys() - {"id", "attempt_id", "exam_id"}
        await upsert(self._session, IncidentRow, {**values, "verdict_reason": ""}, update=update)

    async def judge(
        self, incident_id: str, verdict: Verdict | None, *, actor: str, reason: str = ""
    ) -> EventRecord:
        """A person's verdict; None takes it back. Event `incident.judged`. Raises NotFound."""
        row = await self._session.get(IncidentRow, incident_id, with_for_update=True, populate_existing=True)
        if row is None:
            raise NotFound(what="incident")
        now = self._clock()
        row.verdict = verdict
        row.verdict_by = actor if verdict else None
        row.verdict_at = now if verdict else None
        row.verdict_reason = reason if verdict else ""
        await self._session.flush()
        return await self._events.append(
            exam_id=row.exam_id,
            attempt_id=row.attempt_id,
            type="incident.judged",
            payload={"id": incident_id, "verdict": verdict and verdict.value, "reason": reason},
            actor=actor,
            at=now,
        )

    async def get(self, incident_id: str) -> StoredIncident:
        """Raises NotFound."""
        row = await self._session.get(IncidentRow, incident_id, populate_existing=True)
        if row is None:
            raise NotFound(what="incident")
        return _stored(row)

    async def of_attempt(self, attempt_id: str) -> list[StoredIncident]:
        """By start."""
        return await self._list(IncidentRow.attempt_id == attempt_id)

    async def of_exam(self, exam_id: str) -> list[StoredIncident]:
        """By start."""
        return await self._list(IncidentRow.exam_id == exam_id)

    async def open_of_attempt(self, attempt_id: str) -> list[Incident]:
        """Those still going on: what a restarted tracker takes up again."""
        found = await self._list(IncidentRow.attempt_id == attempt_id, IncidentRow.ended_at.is_(None))
        return [stored.incident for stored in found]

    async def _list(self, *where: ColumnElement[bool]) -> list[StoredIncident]:
        rows = await self._session.scalars(
            select(IncidentRow)
            .where(*where)
            .order_by(IncidentRow.started_at, IncidentRow.id)
            .execution_options(populate_existing=True)
        )
        return [_stored(row) for row in rows]


def as_payload(incident: Incident) -> dict[str, Any]:
    """An incident in JSON's types, for the event log."""
    return {
        "id": incident.id,
        "kind": incident.kind.value,
        "severity": incident.severity.value,
        "category": incident.category.value,
        "started_at": incident.started_at,
        "ended_at": incident.ended_at,
        "confidence": incident.confidence,
        "findings": incident.findings,
        "evidence": incident.evidence,
        "announced": incident.announced,
        "attributes": dict(incident.attributes or {}),
    }


def _values(exam_id: str, incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id,
        "attempt_id": incident.attempt_id,
        "exam_id": exam_id,
        "kind": incident.kind,
        "severity": incident.severity,
        "category": incident.category,
        "started_at": incident.started_at,
        "ended_at": incident.ended_at,
        "confidence": incident.confidence,
        "findings": incident.findings,
        "evidence": incident.evidence,
        "announced": incident.announced,
        "attributes": None if incident.attributes is None else dict(incident.attributes),
    }


def _stored(row: IncidentRow) -> StoredIncident:
    incident = Incident(
        id=row.id,
        attempt_id=row.attempt_id,
        kind=row.kind,
        severity=row.severity,
        category=row.category,
        started_at=row.started_at,
        ended_at=row.ended_at,
        confidence=row.confidence,
        findings=row.findings,
        evidence=row.evidence,
        announced=row.announced,
        attributes=row.attributes,
    )
    judgement = None
    if row.verdict is not None and row.verdict_by is not None and row.verdict_at is not None:
        judgement = Judgement(row.verdict, row.verdict_by, row.verdict_at, row.verdict_reason)
    return StoredIncident(incident=incident, exam_id=row.exam_id, judgement=judgement)
