"""What people did, with their reasons: the audit trail of a live exam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import NotFound
from core.incidents import EventRecord
from core.interventions import InterventionKind
from core.ports import Clock
from db.base import new_id
from db.event_log import Events
from db.models import AttemptRow, InterventionRow


@dataclass(frozen=True, slots=True)
class Intervention:
    id: str
    attempt_id: str
    exam_id: str
    kind: InterventionKind
    actor: str
    """User id."""
    at: float
    reason: str
    """For colleagues."""
    text: str
    """For the student."""
    acknowledged_at: float | None
    undone_at: float | None
    undone_by: str | None


class Interventions:
    def __init__(self, session: AsyncSession, events: Events, clock: Clock) -> None:
        self._session = session
        self._events = events
        self._clock = clock

    async def add(
        self, attempt_id: str, kind: InterventionKind, *, actor: str, reason: str, text: str = ""
    ) -> tuple[Intervention, EventRecord]:
        """Event `intervention.<kind>`. What the intervention does to the attempt (pause, extend…) is
        done by the caller, in the same transaction. Raises NotFound."""
        exam_id = await self._session.scalar(select(AttemptRow.exam_id).where(AttemptRow.id == attempt_id))
        if exam_id is None:
            raise NotFound(what="attempt")
        row = InterventionRow(
            id=new_id(),
            attempt_id=attempt_id,
            exam_id=exam_id,
            kind=kind,
            actor=actor,
            at=self._clock(),
            reason=reason,
            text=text,
        )
        self._session.add(row)
        await self._session.flush()
        payload = {"id": row.id, "kind": kind.value, "reason": reason, "text": text}
        return _intervention(row), await self._tell(row, kind.value, payload, actor, row.at)

    async def acknowledge(self, intervention_id: str) -> tuple[Intervention, EventRecord | None]:
        """By the student. The second time changes nothing and has no event. Raises NotFound."""
        row = await self._locked(intervention_id)
        if row.acknowledged_at is not None:
            return _intervention(row), None
        row.acknowledged_at = now = self._clock()
        await self._session.flush()
        return _intervention(row), await self._tell(row, "acknowledged", {"id": row.id}, None, now)

    async def undo(
        self, intervention_id: str, *, actor: str, reason: str
    ) -> tuple[Intervention, EventRecord | None]:
        """Mark as taken back; the record stays. The second time changes nothing. Raises NotFound."""
        row = await self._locked(intervention_id)
        if row.undone_at is not None:
            return _intervention(row), None
        row.undone_at, row.undone_by = self._clock(), actor
        await self._session.flush()
        payload = {"id": row.id, "kind": row.kind.value, "reason": reason}
        return _intervention(row), await self._tell(row, "undone", payload, actor, row.undone_at)

    async def get(self, intervention_id: str) -> Intervention:
        """Raises NotFound."""
        row = await self._session.get(InterventionRow, intervention_id)
        if row is None:
            raise NotFound(what="intervention")
        return _intervention(row)

    async def of_attempt(self, attempt_id: str) -> list[Intervention]:
        """Oldest first."""
        return await self._list(InterventionRow.attempt_id == attempt_id)

    async def of_exam(self, exam_id: str) -> list[Intervention]:
        """Oldest first."""
        return await self._list(InterventionRow.exam_id == exam_id)

    async def unacknowledged(self, attempt_id: str) -> list[Intervention]:
        """What the student still has to acknowledge, oldest first."""
        wanting = [kind for kind in InterventionKind if kind.wants_acknowledgement]
        return await self._list(
            InterventionRow.attempt_id == attempt_id,
            InterventionRow.kind.in_(wanting),
            InterventionRow.acknowledged_at.is_(None),
            InterventionRow.undone_at.is_(None),
        )

    async def flagged(self, exam_id: str) -> frozenset[str]:
        """Attempts whose latest flag or unflag (undone ones aside) is a flag."""
        marks = await self._list(
            InterventionRow.exam_id == exam_id,
            InterventionRow.kind.in_((InterventionKind.FLAG, InterventionKind.UNFLAG)),
            InterventionRow.undone_at.is_(None),
        )
        latest = {mark.attempt_id: mark.kind for mark in marks}
        return frozenset(attempt for attempt, kind in latest.items() if kind is InterventionKind.FLAG)

    async def _list(self, *where: ColumnElement[bool]) -> list[Intervention]:
        rows = await self._session.scalars(
            select(InterventionRow).where(*where).order_by(InterventionRow.at, InterventionRow.id)
        )
        return [_intervention(row) for row in rows]

    async def _locked(self, intervention_id: str) -> InterventionRow:
        row = await self._session.get(
            InterventionRow, intervention_id, with_for_update=True, populate_existing=True
        )
        if row is None:
            raise NotFound(what="intervention")
        return row

    async def _tell(
        self, row: InterventionRow, what: str, payload: dict[str, Any], actor: str | None, at: float
    ) -> EventRecord:
        return await self._events.append(
            exam_id=row.exam_id,
            attempt_id=row.attempt_id,
            type=f"intervention.{what}",
            payload=payload,
            actor=actor,
            at=at,
        )


def _intervention(row: InterventionRow) -> Intervention:
    return Intervention(
        id=row.id,
        attempt_id=row.attempt_id,
        exam_id=row.exam_id,
        kind=row.kind,
        actor=row.actor,
        at=row.at,
        reason=row.reason,
        text=row.text,
        acknowledged_at=row.acknowledged_at,
        undone_at=row.undone_at,
        undone_by=row.undone_by,
    )
