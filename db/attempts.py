"""Attempts: admission, and the one way to change their status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.attempts import Action, AttemptStatus, transition
from core.errors import Conflict, NotFound
from core.incidents import EventRecord
from core.ledger import ClockEntry, clock_kind
from core.ports import Clock
from db.base import new_id
from db.event_log import Events
from db.ledger import Ledger
from db.models import AttemptRow, EnrolmentRow, ExamRow


@dataclass(frozen=True, slots=True)
class Attempt:
    id: str
    exam_id: str
    student_id: str
    seat: int
    """1, 2, 3… in the order of admission."""
    status: AttemptStatus
    created_at: float
    started_at: float | None
    ended_at: float | None
    accommodations: Mapping[str, Any]
    version: int


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Who should be sitting there. Biometric: erased with the attempt or before."""

    face: bytes | None = None
    """The engine's embedding, as bytes."""
    face_engine: str | None = None
    picture_key: str | None = None
    voice: bytes | None = None
    voice_engine: str | None = None
    calibration: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What `apply` did."""

    attempt: Attempt
    event: EventRecord


class Attempts:
    def __init__(self, session: AsyncSession, ledger: Ledger, events: Events, clock: Clock) -> None:
        self._session = session
        self._ledger = ledger
        self._events = events
        self._clock = clock

    async def admit(
        self,
        exam_id: str,
        student_id: str,
        *,
        accommodations: Mapping[str, Any] | None = None,
        id: str | None = None,
    ) -> Attempt:
        """The student's attempt at this exam, made (with the next free seat) where there is none yet."""
        # The exam's lock: two doors opened at once give neither two attempts nor one seat twice.
        if await self._session.get(ExamRow, exam_id, with_for_update=True) is None:
            raise NotFound(what="exam")
        existing = await self.of_student(exam_id, student_id)
        if existing is not None:
            return existing
        taken = await self._session.scalar(
            select(func.max(AttemptRow.seat)).where(AttemptRow.exam_id == exam_id)
        )
        row = AttemptRow(
            id=id or new_id(),
            exam_id=exam_id,
            student_id=student_id,
            seat=(taken or 0) + 1,
            status=AttemptStatus.NONE,
            created_at=self._clock(),
            accommodations=dict(accommodations or {}),
        )
        self._session.add(row)
        await self._session.flush()
        await self._events.append(
            exam_id=exam_id,
            attempt_id=row.id,
            type="attempt.admitted",
            payload={"student_id": student_id, "seat": row.seat},
            at=row.created_at,
        )
        return _attempt(row)

    async def apply(
        self,
        attempt_id: str,
        action: Action,
        *,
        actor: str | None,
        reason: str = "",
        version: int | None = None,
    ) -> Change:
        """Change the status, write the clock entry and the event `attempt.status`, all or nothing.

        `version`: the one the actor saw, where that matters. Raises IllegalTransition, Conflict, NotFound.
        """
        row = await self._locked(attempt_id)
        if version is not None and row.version != version:
            raise Conflict(what="this attempt")
        before, now = row.status, self._clock()
        row.status = transition(before, action)
        if action is Action.START:
            row.started_at = now
        if row.status.over:
            row.ended_at = now
        await self._session.flush()
        entry = ClockEntry(at=now, kind=clock_kind(action), actor=actor, reason=reason)
        await self._ledger.add(attempt_id, entry)
        payload = {
            "status": row.status.value,
            "previous": before.value,
            "action": action.value,
            "reason": reason,
            "time_left_s": await self._ledger.time_left(attempt_id, now),
        }
        event = await self._events.append(
            exam_id=row.exam_id,
            attempt_id=attempt_id,
            type="attempt.status",
            payload=payload,
            actor=actor,
            at=now,
        )
        return Change(attempt=_attempt(row), event=event)

    async def get(self, attempt_id: str) -> Attempt:
        """Raises NotFound. Who may see it is decided elsewhere (web.access)."""
        row = await self._session.get(AttemptRow, attempt_id)
        if row is None:
            raise NotFound(what="attempt")
        return _attempt(row)

    async def lock(self, attempt_id: str) -> Attempt:
        """As `get`, and nobody else changes it before this transaction ends: read, decide, write."""
        return _attempt(await self._locked(attempt_id))

    async def of_student(self, exam_id: str, student_id: str) -> Attempt | None:
        row = await self._session.scalar(
            select(AttemptRow).where(AttemptRow.exam_id == exam_id, AttemptRow.student_id == student_id)
        )
        return None if row is None else _attempt(row)

    async def of_exam(self, exam_id: str) -> list[Attempt]:
        """By seat."""
        rows = await self._session.scalars(
            select(AttemptRow).where(AttemptRow.exam_id == exam_id).order_by(AttemptRow.seat)
        )
        return [_attempt(row) for row in rows]

    async def under_way(self) -> list[Attempt]:
        """Running and paused ones of every exam: what a restarted server takes up again."""
        live = (AttemptStatus.RUNNING, AttemptStatus.PAUSED)
        rows = await self._session.scalars(
            select(AttemptRow)
            .where(AttemptRow.status.in_(live))
            .order_by(AttemptRow.exam_id, AttemptRow.seat)
        )
        return [_attempt(row) for row in rows]

    async def set_accommodations(self, attempt_id: str, accommodations: Mapping[str, Any]) -> Attempt:
        row = await self._locked(attempt_id)
        row.accommodations = dict(accommodations)
        await self._session.flush()
        return _attempt(row)

    async def enrol(self, attempt_id: str, enrolment: Enrolment) -> None:
        """Replaces what was enrolled before."""
        await self.get(attempt_id)
        await self._session.merge(
            EnrolmentRow(
                attempt_id=attempt_id,
                face=enrolment.face,
                face_engine=enrolment.face_engine,
                picture_key=enrolment.picture_key,
                voice=enrolment.voice,
                voice_engine=enrolment.voice_engine,
                calibration=dict(enrolment.calibration),
                updated_at=self._clock(),
            )
        )
        await self._session.flush()

    async def enrolment(self, attempt_id: str) -> Enrolment | None:
        row = await self._session.get(EnrolmentRow, attempt_id)
        if row is None:
            return None
        return Enrolment(
            face=row.face,
            face_engine=row.face_engine,
            picture_key=row.picture_key,
            voice=row.voice,
            voice_engine=row.voice_engine,
            calibration=row.calibration,
        )

    async def erase_enrolment(self, attempt_id: str) -> None:
        """The biometrics in the database; the picture is the evidence store's."""
        row = await self._session.get(EnrolmentRow, attempt_id)
        if row is not None:
            await self._session.delete(row)
            await self._session.flush()

    async def _locked(self, attempt_id: str) -> AttemptRow:
        row = await self._session.get(AttemptRow, attempt_id, with_for_update=True, populate_existing=True)
        if row is None:
            raise NotFound(what="attempt")
        return row


def _attempt(row: AttemptRow) -> Attempt:
    return Attempt(
        id=row.id,
        exam_id=row.exam_id,
        student_id=row.student_id,
        seat=row.seat,
        status=row.status,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        accommodations=row.accommodations,
        version=row.version,
    )
