"""A student's socket: the own attempt, and nothing else."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from core.errors import BadMessage, NotFound, OutOfOrder
from core.samples import ClientSignal
from signaling import messages as m
from signaling.consent import CONSENT_HTML, CONSENT_VERSION
from signaling.desks import Desks
from signaling.rooms import ExamRoom
from signaling.seat import Seat
from signaling.socket import Socket
from signaling.telling import for_student

MAX_PICTURE_BYTES = 300_000
ANSWERED_AFTER_END = (m.Acknowledge, m.Say)


class StudentParticipant:
    """`address` and `user_agent` go with the consent."""

    def __init__(
        self, desks: Desks, exam_id: str, attempt_id: str, *, address: str = "", user_agent: str = ""
    ) -> None:
        self._desks = desks
        self._exam_id = exam_id
        self._attempt_id = attempt_id
        self._address = address
        self._user_agent = user_agent
        self._place: tuple[ExamRoom, Seat] | None = None
        self._socket: Socket | None = None

    async def greeted(self, socket: Socket, resume: int | None) -> None:
        room = await self._desks.rooms.room(self._exam_id)
        seat = await room.seat(self._attempt_id)
        missed = await room.missed(resume)
        # From here to the end nothing waits: no record can slip between welcome and joining.
        self._place, self._socket = (room, seat), socket
        socket.tell(self._welcome(room, seat))
        for record in missed:
            if record.attempt_id == seat.attempt_id and (said := for_student(record)) is not None:
                socket.tell(said)
        socket.tell(room.content(seat))
        room.join_student(seat.attempt_id, socket)
        self._desks.media.page_joined(seat)

    def _welcome(self, room: ExamRoom, seat: Seat) -> m.StudentWelcome:
        exam = room.exam
        return m.StudentWelcome(
            protocol=m.PROTOCOL,
            seq=room.seq,
            exam={
                "id": exam.id,
                "title": exam.title,
                "duration_s": exam.duration_s,
                "screen": exam.settings.screen,
                "fullscreen": exam.settings.fullscreen,
                "consent": {"version": CONSENT_VERSION, "html": CONSENT_HTML},
            },
            attempt=seat.student_state(self._desks.clock()),
            ice_servers=list(self._desks.ice_servers),
        )

    async def handle(self, message: m.AnyClientMessage) -> m.ServerMessage | None:
        assert self._place is not None
        room, seat = self._place
        if seat.status.over and not isinstance(message, ANSWERED_AFTER_END):
            raise OutOfOrder(what="Anything but reading and writing messages after the end")
        if isinstance(message, m.Publish):
            sdp = await self._desks.media.publish(room, seat, message)
            return m.Published(re=message.id, sdp=sdp)
        result = await self._carry_out(room, seat, message)
        return m.Ok(re=getattr(message, "id", 0), result=result)

    async def _carry_out(self, room: ExamRoom, seat: Seat, message: m.AnyClientMessage) -> dict[str, Any]:
        desks = self._desks
        match message:
            case m.Signal():
                signal = ClientSignal(at=desks.clock(), kind=message.kind, detail=message.detail)
                await desks.incidents.signal(seat, signal)
            case m.Consent():
                await desks.attempts.consent(
                    seat,
                    version=message.text_version,
                    given=message.given,
                    address=self._address,
                    user_agent=self._user_agent,
                )
            case m.EnrolFace():
                return {"quality": await desks.analysis.enrol(room, seat, _picture(message.jpeg))}
            case m.Start():
                await desks.attempts.start(room, seat)
            case m.Complete():
                await desks.attempts.complete(seat)
            case m.Acknowledge():
                await desks.interventions.acknowledge(seat, message.intervention)
            case m.Hand():
                await desks.attempts.raise_hand(seat, message.raised)
            case m.Say():
                _own(seat, message.attempt)
                await desks.attempts.say(
                    seat, message.text, side="student", actor=seat.student_id, name=seat.name
                )
            case _:
                raise BadMessage(detail=f"{type(message).__name__} is not for students")
        return {}

    async def left(self) -> None:
        if self._place is None or self._socket is None:
            return
        room, seat = self._place
        if room.leave_student(seat.attempt_id, self._socket) and not seat.status.over:
            self._desks.media.page_left(seat)


def _own(seat: Seat, attempt_id: str | None) -> None:
    if attempt_id not in (None, seat.attempt_id):
        raise NotFound(what="attempt")


def _picture(text: str) -> bytes:
    """Raises BadMessage for what is not a JPEG of a sensible size."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadMessage(detail="the picture is not base64") from error
    if not data.startswith(b"\xff\xd8\xff"):
        raise BadMessage(detail="the picture is not a JPEG")
    if len(data) > MAX_PICTURE_BYTES:
        raise BadMessage(detail=f"the picture is larger than {MAX_PICTURE_BYTES} bytes")
    return data
