"""Consent: what was shown, what was answered, when and from where. Never overwritten."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import NotFound
from core.incidents import EventRecord
from core.ports import Clock
from db.event_log import Events
from db.models import AttemptRow, ConsentRow


@dataclass(frozen=True, slots=True)
class Consent:
    attempt_id: str
    text_version: str
    at: float
    given: bool
    address: str
    user_agent: str


class Consents:
    def __init__(self, session: AsyncSession, events: Events, clock: Clock) -> None:
        self._session = session
        self._events = events
        self._clock = clock

    async def add(
        self, attempt_id: str, *, text_version: str, given: bool, address: str = "", user_agent: str = ""
    ) -> EventRecord:
        """Event `attempt.consent`. Raises NotFound."""
        attempt = await self._session.get(AttemptRow, attempt_id)
        if attempt is None:
            raise NotFound(what="attempt")
        now = self._clock()
        self._session.add(
            ConsentRow(
                attempt_id=attempt_id,
                text_version=text_version,
                at=now,
                given=given,
                address=address,
                user_agent=user_agent,
            )
        )
        await self._session.flush()
        return await self._events.append(
            exam_id=attempt.exam_id,
            attempt_id=attempt_id,
            type="attempt.consent",
            payload={"text_version": text_version, "given": given},
            actor=attempt.student_id,
            at=now,
        )

    async def latest(self, attempt_id: str) -> Consent | None:
        row = await self._session.scalar(
            select(ConsentRow)
            .where(ConsentRow.attempt_id == attempt_id)
            .order_by(ConsentRow.id.desc())
            .limit(1)
        )
        if row is None:
            return None
        return Consent(
            attempt_id=row.attempt_id,
            text_version=row.text_version,
            at=row.at,
            given=row.given,
            address=row.address,
            user_agent=row.user_agent,
        )

    async def holds(self, attempt_id: str, text_version: str) -> bool:
        """Whether the latest answer is a yes to this very text."""
        latest = await self.latest(attempt_id)
        return latest is not None and latest.given and latest.text_version == text_version
