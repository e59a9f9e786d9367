"""What proctors do while it happens: each with a reason, in the audit trail before anybody is told."""

from __future__ import annotations

from core.attempts import Action
from core.errors import BadMessage, NotFound
from core.incidents import Verdict
from core.interventions import InterventionKind
from core.ledger import ClockKind
from db.database import Database, Transaction
from signaling.messages import Intervene
from signaling.seat import Seat

_ACTIONS: dict[InterventionKind, Action] = {
    InterventionKind.PAUSE: Action.PAUSE,
    InterventionKind.RESUME: Action.RESUME,
    InterventionKind.TERMINATE: Action.TERMINATE,
}
_NEED_TEXT = frozenset({InterventionKind.MESSAGE, InterventionKind.WARN})


class InterventionsDesk:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def carry_out(self, seat: Seat, request: Intervene, actor: str) -> str:
        """The intervention and what it does to the attempt, all or nothing; its id.

        Raises BadMessage, IllegalTransition, Conflict.
        """
        kind = InterventionKind(request.action)
        if kind in _NEED_TEXT and not request.text.strip():
            raise BadMessage(detail=f"{kind} needs a text for the student")
        if kind is InterventionKind.EXTEND and not request.seconds:
            raise BadMessage(detail="extend needs seconds")
        if kind is InterventionKind.EXTEND and seat.status.over:
            raise BadMessage(detail="the attempt is over")

        async def work(tx: Transaction) -> str:
            done, _ = await tx.interventions.add(
                seat.attempt_id, kind, actor=actor, reason=request.reason, text=request.text
            )
            if kind in _ACTIONS:
                await tx.attempts.apply(seat.attempt_id, _ACTIONS[kind], actor=actor, reason=request.reason)
            if kind is InterventionKind.EXTEND:
                await tx.ledger.grant(
                    seat.attempt_id,
                    ClockKind.EXTENDED,
                    float(request.seconds),
                    actor=actor,
                    reason=request.reason,
                )
            return done.id

        return await self._database.run(work)

    async def acknowledge(self, seat: Seat, intervention_id: str) -> None:
        """By the student. Raises NotFound where it is not one of theirs."""

        async def work(tx: Transaction) -> None:
            if (await tx.interventions.get(intervention_id)).attempt_id != seat.attempt_id:
                raise NotFound(what="intervention")
            await tx.interventions.acknowledge(intervention_id)

        await self._database.run(work)

    async def note_talk(self, seat: Seat, *, actor: str, reason: str) -> None:
        """A proctor begins to speak to the student."""

        async def work(tx: Transaction) -> None:
            await tx.interventions.add(seat.attempt_id, InterventionKind.TALK, actor=actor, reason=reason)

        await self._database.run(work)

    async def judge(
        self, exam_id: str, incident_id: str, verdict: Verdict | None, *, actor: str, reason: str
    ) -> None:
        """Raises NotFound where the incident is not of this exam."""

        async def work(tx: Transaction) -> None:
            if (await tx.incidents.get(incident_id)).exam_id != exam_id:
                raise NotFound(what="incident")
            await tx.incidents.judge(incident_id, verdict, actor=actor, reason=reason)

        await self._database.run(work)

    async def look(self, seat: Seat, proctor_id: str, at: float) -> None:
        """A person looked at this attempt; kept for coverage, not told."""

        async def work(tx: Transaction) -> None:
            await tx.looks.add(seat.attempt_id, proctor_id, at)

        await self._database.run(work)
        seat.looked_at = at
