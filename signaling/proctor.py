"""A proctor's (or professor's) socket: one exam, whole."""

from __future__ import annotations

from typing import Any

from core.errors import BadMessage
from db.users import User
from signaling import messages as m
from signaling.desks import Desks
from signaling.rooms import ExamRoom, ProctorPresence
from signaling.socket import Socket
from signaling.telling import for_proctor
from signaling.watching import seat_in


class ProctorParticipant:
    """`workers` are the indices of the media processes."""

    def __init__(self, desks: Desks, exam_id: str, user: User, workers: list[int]) -> None:
        self._desks = desks
        self._exam_id = exam_id
        self._user = user
        self._workers = workers
        self._place: tuple[ExamRoom, ProctorPresence] | None = None

    async def greeted(self, socket: Socket, resume: int | None) -> None:
        room = await self._desks.rooms.room(self._exam_id)
        missed = await room.missed(resume)
        # From here to the end nothing waits: no record can slip between welcome and joining.
        socket.tell(self._welcome(room))
        for record in missed:
            socket.tell(for_proctor(record))
        presence = ProctorPresence(socket, self._user)
        room.proctors.add(presence)
        self._place = (room, presence)

    def _welcome(self, room: ExamRoom) -> m.ProctorWelcome:
        now = self._desks.clock()
        seats = sorted(room.seats.values(), key=lambda seat: seat.number)
        return m.ProctorWelcome(
            protocol=m.PROTOCOL,
            seq=room.seq,
            now=now,
            exam={"id": room.exam.id, "title": room.exam.title, "duration_s": room.exam.duration_s},
            user={"id": self._user.id, "name": self._user.name, "role": self._user.role.value},
            workers=self._workers,
            attempts=[seat.view(now) for seat in seats],
            ice_servers=list(self._desks.ice_servers),
        )

    async def handle(self, message: m.AnyClientMessage) -> m.ServerMessage | None:
        assert self._place is not None
        room, presence = self._place
        if isinstance(message, m.Watch):
            return await self._desks.watching.watch(presence, message)
        result = await self._carry_out(room, presence, message)
        return m.Ok(re=getattr(message, "id", 0), result=result)

    async def _carry_out(
        self, room: ExamRoom, presence: ProctorPresence, message: m.AnyClientMessage
    ) -> dict[str, Any]:
        watching, user = self._desks.watching, self._user
        match message:
            case m.Unwatch():
                await watching.unwatch(presence, message.watcher)
            case m.Attach():
                await watching.attach(room, presence, message)
            case m.Detach():
                await watching.detach(presence, message)
            case m.Focus():
                await watching.focus(room, presence, message)
            case m.Talk():
                await watching.talk(room, presence, message)
            case m.Intervene():
                seat = seat_in(room, message.attempt)
                id = await self._desks.interventions.carry_out(seat, message, user.id)
                return {"intervention": id}
            case m.Judge():
                await self._desks.interventions.judge(
                    room.exam.id, message.incident, message.verdict, actor=user.id, reason=message.reason
                )
            case m.Say():
                if message.attempt is None:
                    raise BadMessage(detail="say names an attempt here")
                seat = seat_in(room, message.attempt)
                await self._desks.attempts.say(
                    seat, message.text, side="proctor", actor=user.id, name=user.name
                )
            case _:
                raise BadMessage(detail=f"{type(message).__name__} is not for proctors")
        return {}

    async def left(self) -> None:
        if self._place is None:
            return
        room, presence = self._place
        room.proctors.discard(presence)
        await self._desks.watching.leave(room, presence)
