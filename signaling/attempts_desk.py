"""What changes an attempt: consent, start, complete, the clock running out. Each persisted, then told."""

from __future__ import annotations

import asyncio
import logging

from core.attempts import Action, AttemptStatus
from core.errors import IllegalTransition, OutOfOrder
from core.ports import Clock
from core.tasks import TaskSet
from db.database import Database, Transaction
from signaling.consent import CONSENT_VERSION
from signaling.rooms import ExamRoom, Rooms
from signaling.seat import Seat

log = logging.getLogger(__name__)


class AttemptsDesk:
    def __init__(self, database: Database, rooms: Rooms, clock: Clock) -> None:
        self._database = database
        self._rooms = rooms
        self._clock = clock
        self._clocks = TaskSet("attempts clocks")

    async def consent(
        self, seat: Seat, *, version: str, given: bool, address: str = "", user_agent: str = ""
    ) -> None:
        """Raises OutOfOrder once the attempt has started, or for a text that is not the current one."""
        if seat.status is not AttemptStatus.NONE:
            raise OutOfOrder(what="Answering the consent after the start")
        if version != CONSENT_VERSION:
            raise OutOfOrder(what="Agreeing to a text that has changed (please reload the page)")

        async def work(tx: Transaction) -> None:
            await tx.consents.add(
                seat.attempt_id,
                text_version=version,
                given=given,
                address=address,
                user_agent=user_agent[:500],
            )

        await self._database.run(work)

    async def start(self, room: ExamRoom, seat: Seat) -> None:
        """Needs an open exam, consent and a picture that arrives. Raises OutOfOrder, IllegalTransition."""
        if not room.exam.admits_at(self._clock()):
            raise OutOfOrder(what="Starting before the exam has opened or after it has closed")
        if not seat.picture_arrives:
            raise OutOfOrder(what="Starting before your camera's picture arrives")

        async def work(tx: Transaction) -> None:
            # Asked again where it counts: the seat may lag behind the database.
            if not await tx.consents.holds(seat.attempt_id, CONSENT_VERSION):
                raise OutOfOrder(what="Starting without your consent")
            await tx.attempts.apply(seat.attempt_id, Action.START, actor=seat.student_id)

        await self._database.run(work)

    async def complete(self, seat: Seat) -> None:
        await self._apply(seat, Action.COMPLETE, actor=seat.student_id, reason="handed in")

    async def raise_hand(self, seat: Seat, raised: bool) -> None:
        if raised != seat.hand_raised:
            await self._note(seat, "hand.raised" if raised else "hand.lowered", {}, seat.student_id)

    async def say(self, seat: Seat, text: str, *, side: str, actor: str, name: str) -> None:
        await self._note(seat, "chat.said", {"text": text, "side": side, "name": name}, actor)

    async def close_expired(self) -> None:
        """End the attempts whose time is up."""
        now = self._clock()
        for room in self._rooms:
            for seat in list(room.seats.values()):
                if seat.status is AttemptStatus.RUNNING and seat.clock.left(seat.status, now) <= 0:
                    await self._expire(seat)

    async def _expire(self, seat: Seat) -> None:
        async def work(tx: Transaction) -> None:
            # A proctor may have extended it a moment ago.
            if await tx.ledger.time_left(seat.attempt_id) <= 0:
                await tx.attempts.apply(seat.attempt_id, Action.COMPLETE, actor=None, reason="time is up")

        try:
            await self._database.run(work)
        except IllegalTransition:
            log.info("time is up for an attempt that has just changed", extra={"attempt": seat.attempt_id})

    def start_clocks(self) -> None:
        self._clocks.start(self._watch_clocks(), name="attempts.clocks")

    async def aclose(self) -> None:
        await self._clocks.aclose()

    async def _watch_clocks(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            try:
                await self.close_expired()
            except Exception:
                log.exception("the clocks could not be looked at, trying again")

    async def _apply(self, seat: Seat, action: Action, *, actor: str | None, reason: str) -> None:
        async def work(tx: Transaction) -> None:
            await tx.attempts.apply(seat.attempt_id, action, actor=actor, reason=reason)

        await self._database.run(work)

    async def _note(self, seat: Seat, type: str, payload: dict[str, str], actor: str) -> None:
        async def work(tx: Transaction) -> None:
            await tx.events.append(
                exam_id=seat.exam_id, attempt_id=seat.attempt_id, type=type, payload=payload, actor=actor
            )

        await self._database.run(work)
