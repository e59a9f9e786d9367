"""The clock entries of attempts (arithmetic: core.ledger)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import NotFound
from core.incidents import EventRecord
from core.ledger import ClockEntry, ClockKind, time_left
from core.ports import Clock
from db.event_log import Events
from db.models import AttemptRow, ClockEntryRow, ExamRow


class Ledger:
    def __init__(self, session: AsyncSession, events: Events, clock: Clock) -> None:
        self._session = session
        self._events = events
        self._clock = clock

    async def add(self, attempt_id: str, entry: ClockEntry) -> None:
        """Without an event: for changes that have one of their own. Otherwise `grant`."""
        self._session.add(
            ClockEntryRow(
                attempt_id=attempt_id,
                at=entry.at,
                kind=entry.kind,
                seconds=entry.seconds,
                actor=entry.actor,
                reason=entry.reason,
            )
        )
        await self._session.flush()

    async def grant(
        self, attempt_id: str, kind: ClockKind, seconds: float, *, actor: str | None, reason: str
    ) -> EventRecord:
        """Extend, or credit an outage; `seconds` below 0 takes an extension back. Event `attempt.clock`."""
        exam_id = await self._session.scalar(select(AttemptRow.exam_id).where(AttemptRow.id == attempt_id))
        if exam_id is None:
            raise NotFound(what="attempt")
        entry = ClockEntry(at=self._clock(), kind=kind, seconds=seconds, actor=actor, reason=reason)
        await self.add(attempt_id, entry)
        payload = {
            "kind": kind.value,
            "seconds": seconds,
            "reason": reason,
            "time_left_s": await self.time_left(attempt_id),
        }
        return await self._events.append(
            exam_id=exam_id,
            attempt_id=attempt_id,
            type="attempt.clock",
            payload=payload,
            actor=actor,
            at=entry.at,
        )

    async def entries(self, attempt_id: str) -> list[ClockEntry]:
        """In the order they were written."""
        return (await self.entries_of([attempt_id])).get(attempt_id, [])

    async def entries_of(self, attempt_ids: Iterable[str]) -> dict[str, list[ClockEntry]]:
        """Many attempts' entries in one query; attempts without any are left out."""
        rows = await self._session.scalars(
            select(ClockEntryRow)
            .where(ClockEntryRow.attempt_id.in_(set(attempt_ids)))
            .order_by(ClockEntryRow.id)
        )
        found: dict[str, list[ClockEntry]] = {}
        for row in rows:
            found.setdefault(row.attempt_id, []).append(_entry(row))
        return found

    async def time_left(self, attempt_id: str, now: float | None = None) -> float:
        """Seconds; raises NotFound."""
        duration_s = await self._session.scalar(
            select(ExamRow.duration_s).join(AttemptRow).where(AttemptRow.id == attempt_id)
        )
        if duration_s is None:
            raise NotFound(what="attempt")
        entries = await self.entries(attempt_id)
        return time_left(entries, self._clock() if now is None else now, duration_s)


def _entry(row: ClockEntryRow) -> ClockEntry:
    return ClockEntry(at=row.at, kind=row.kind, seconds=row.seconds, actor=row.actor, reason=row.reason)
