"""The append-only record of everything that happened (core.ports.EventLog).

Numbers of one exam are given out under the lock of its counter row, which is held until commit. So
they are committed in the order they were given out, without holes, and a reader who has seen `seq`
will never find a smaller one later: that is what `since` promises. See
docs/decisions/0004-event-numbers.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.incidents import EventRecord
from core.ports import Clock
from db.models import EventRow, EventSequenceRow
from db.upsert import upsert

if TYPE_CHECKING:
    from db.database import Database, Transaction


class Events:
    """Inside a transaction. Append last: the exam's other writers wait from here to the commit."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self.appended: list[EventRecord] = []
        """By this transaction, in order; told to listeners once it is committed."""

    async def append(
        self,
        *,
        exam_id: str,
        attempt_id: str | None,
        type: str,
        payload: Mapping[str, Any],
        actor: str | None = None,
        at: float | None = None,
    ) -> EventRecord:
        record = EventRecord(
            seq=await self._next(exam_id),
            exam_id=exam_id,
            attempt_id=attempt_id,
            at=self._clock() if at is None else at,
            type=type,
            payload=dict(payload),
            actor=actor,
        )
        self._session.add(_row(record))
        await self._session.flush()
        self.appended.append(record)
        return record

    async def since(self, exam_id: str, seq: int, *, limit: int = 500) -> list[EventRecord]:
        """Records of an exam above `seq`, oldest first."""
        rows = await self._session.scalars(
            select(EventRow)
            .where(EventRow.exam_id == exam_id, EventRow.seq > seq)
            .order_by(EventRow.seq)
            .limit(limit)
        )
        return [_record(row) for row in rows]

    async def of_attempt(self, attempt_id: str, *, limit: int = 10_000) -> list[EventRecord]:
        """An attempt's history, oldest first."""
        rows = await self._session.scalars(
            select(EventRow).where(EventRow.attempt_id == attempt_id).order_by(EventRow.seq).limit(limit)
        )
        return [_record(row) for row in rows]

    async def last_seq(self, exam_id: str) -> int:
        """The highest number in an exam; 0 where nothing happened yet."""
        found = await self._session.scalar(select(func.max(EventRow.seq)).where(EventRow.exam_id == exam_id))
        return found or 0

    async def _next(self, exam_id: str) -> int:
        await upsert(
            self._session,
            EventSequenceRow,
            {"exam_id": exam_id, "last_seq": 1},
            update={"last_seq": EventSequenceRow.last_seq + 1},
        )
        number = await self._session.scalar(
            select(EventSequenceRow.last_seq).where(EventSequenceRow.exam_id == exam_id)
        )
        assert number is not None
        return number


class DatabaseEventLog:
    """core.ports.EventLog over a database: each record in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(
        self,
        *,
        exam_id: str,
        attempt_id: str | None,
        type: str,
        payload: Mapping[str, Any],
        actor: str | None = None,
        at: float | None = None,
    ) -> EventRecord:
        async def work(tx: Transaction) -> EventRecord:
            return await tx.events.append(
                exam_id=exam_id, attempt_id=attempt_id, type=type, payload=payload, actor=actor, at=at
            )

        return await self._database.run(work)

    async def since(self, exam_id: str, seq: int, *, limit: int = 500) -> list[EventRecord]:
        async with self._database.reading() as tx:
            return await tx.events.since(exam_id, seq, limit=limit)


def _row(record: EventRecord) -> EventRow:
    return EventRow(
        exam_id=record.exam_id,
        seq=record.seq,
        attempt_id=record.attempt_id,
        at=record.at,
        type=record.type,
        payload=dict(record.payload),
        actor=record.actor,
    )


def _record(row: EventRow) -> EventRecord:
    return EventRecord(
        seq=row.seq,
        exam_id=row.exam_id,
        attempt_id=row.attempt_id,
        at=row.at,
        type=row.type,
        payload=row.payload,
        actor=row.actor,
    )
