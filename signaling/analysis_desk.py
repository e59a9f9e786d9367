"""Between the rooms and the analysis processes: whom they look at, what they see, and when they cannot.

An analysis process that is gone or silent is a gap on the record and *could not measure* on the tile.
It is never an all-clear.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from config.settings import AnalysisSettings
from core.attempts import AttemptStatus
from core.errors import OutOfOrder, ProctorError
from core.findings import Blindness
from core.kinds import Kind
from core.ports import Clock, EvidenceStore
from db.attempts import Enrolment
from db.database import Database, Transaction
from signaling.fleet import Fleet
from signaling.incidents_desk import IncidentsDesk
from signaling.messages import OverlayMessage
from signaling.profiles import pack, profile
from signaling.rooms import ExamRoom, Rooms
from signaling.seat import Seat
from signaling.seen import seen
from transport.channel import RequestFailed
from transport.messages import (
    EmbedFace,
    FaceEmbedding,
    FindingReport,
    ForgetStudent,
    Overlay,
    Sight,
    WantOverlay,
)

log = logging.getLogger(__name__)

SILENT_S = 15.0
"""Analysis speaks of each student every five seconds; three times unheard is a gap."""


class EnrolmentRefused(ProctorError):
    id = "enrolment-refused"
    status = 422
    sentence = "{detail}"


class AnalysisDesk:
    def __init__(
        self,
        *,
        fleet: Fleet,
        database: Database,
        rooms: Rooms,
        incidents: IncidentsDesk,
        evidence: EvidenceStore,
        settings: AnalysisSettings,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._database = database
        self._rooms = rooms
        self._incidents = incidents
        self._evidence = evidence
        self._settings = settings
        self._clock = clock
        self._heard_at: dict[str, float] = {}
        """Attempt → when analysis last spoke of it, or was told to look at it."""
        self._detectors: dict[str, list[str]] = {}
        """Attempt → the detectors that last looked at it."""

    async def brief(self, room: ExamRoom, seat: Seat) -> None:
        """Tell the seat's analysis process whom to expect. Raises ProctorError while it is down."""
        assert seat.analysis is not None
        async with self._database.reading() as tx:
            attempt = await tx.attempts.get(seat.attempt_id)
            enrolment = await tx.attempts.enrolment(seat.attempt_id)
        channel = self._fleet.analysis(seat.analysis)
        channel.send(profile(attempt, enrolment, room.exam.settings, self._settings))
        if any(room.watchers_of(seat.attempt_id)):
            channel.send(WantOverlay(attempt_id=seat.attempt_id, wanted=True))
        self._heard_at[seat.attempt_id] = self._clock()

    def forget(self, seat: Seat) -> None:
        self._heard_at.pop(seat.attempt_id, None)
        self._detectors.pop(seat.attempt_id, None)
        self._send(seat, ForgetStudent(attempt_id=seat.attempt_id))

    def want_overlay(self, seat: Seat, wanted: bool) -> None:
        self._send(seat, WantOverlay(attempt_id=seat.attempt_id, wanted=wanted))

    async def enrol(self, room: ExamRoom, seat: Seat, jpeg: bytes) -> float:
        """Take the reference picture of who should be sitting there; its quality, 0–1.

        Raises EnrolmentRefused with what is wrong with the picture, OutOfOrder after the start.
        """
        if seat.status is not AttemptStatus.NONE:
            raise OutOfOrder(what="Taking the reference picture after the start")
        found = await self._embed(seat, jpeg)
        key = await self._evidence.put(seat.attempt_id, "enrolment.jpg", jpeg)
        enrolment = Enrolment(
            face=pack(found.embedding), face_engine=self._settings.identity, picture_key=key
        )

        async def work(tx: Transaction) -> None:
            before = [one for one in await tx.events.of_attempt(seat.attempt_id) if one.type == _ENROLLED]
            if any(one.payload.get("by") == "staff" for one in before):
                raise OutOfOrder(what="Replacing the picture that your examiner enrolled")
            await tx.attempts.enrol(seat.attempt_id, enrolment)
            await tx.events.append(
                exam_id=seat.exam_id,
                attempt_id=seat.attempt_id,
                type=_ENROLLED,
                payload={"quality": found.quality, "by": "student"},
                actor=seat.student_id,
            )

        await self._database.run(work)
        await self.brief(room, seat)
        return found.quality

    async def _embed(self, seat: Seat, jpeg: bytes) -> FaceEmbedding:
        if seat.analysis is None:
            _, seat.analysis = self._fleet.place(seat.attempt_id)
        channel = self._fleet.analysis(seat.analysis)
        try:
            return await channel.request(EmbedFace(jpeg=jpeg), FaceEmbedding, seconds=30)
        except RequestFailed as refusal:
            raise EnrolmentRefused(detail=refusal.problem.detail) from refusal

    def finding(self, message: FindingReport) -> None:
        if found := self._rooms.find(message.attempt_id):
            self._incidents.report(found[1], message.finding, message.evidence_jpeg)

    def sight(self, message: Sight) -> None:
        found = self._rooms.find(message.attempt_id)
        if found is None or found[1].status.over:
            return
        room, seat = found
        self._heard_at[seat.attempt_id] = self._clock()
        self._detectors[seat.attempt_id] = message.running
        self._incidents.end(seat, Kind.ANALYSIS_GAP, "analysis")
        self._blind(room, seat, message.blind)
        room.tell_student_latest(seat.attempt_id, "seen", seen(message))

    def overlay(self, message: Overlay) -> None:
        found = self._rooms.find(message.attempt_id)
        if found is None:
            return
        drawn = OverlayMessage(
            attempt=message.attempt_id,
            rtp=message.rtp_timestamp,
            boxes=message.boxes,
            points=message.points,
            gaze=message.gaze,
        )
        for proctor in found[0].watchers_of(message.attempt_id):
            proctor.socket.tell_latest(f"overlay:{message.attempt_id}", drawn)

    def down(self, index: int) -> None:
        """That process is gone: what it was looking at cannot be measured."""
        for room in self._rooms:
            for seat in room.seats.values():
                if seat.analysis == index and not seat.status.over:
                    self._lost(room, seat)

    async def up(self, index: int) -> None:
        """It is back and knows nobody."""
        for room in self._rooms:
            for seat in room.seats.values():
                if seat.analysis == index and not seat.status.over:
                    await self.brief(room, seat)

    async def listen_for_silence(self) -> None:
        """For as long as the server runs."""
        while True:
            await asyncio.sleep(1.0)
            now = self._clock()
            for room in self._rooms:
                for seat in room.seats.values():
                    heard_at = self._heard_at.get(seat.attempt_id)
                    if seat.state == "live" and heard_at is not None and now - heard_at > SILENT_S:
                        self._lost(room, seat)

    def _lost(self, room: ExamRoom, seat: Seat) -> None:
        self._incidents.begin(seat, Kind.ANALYSIS_GAP, "analysis")
        self._incidents.abandon(seat)
        blind = self._detectors.get(seat.attempt_id) or ["analysis"]
        self._blind(room, seat, dict.fromkeys(blind, Blindness.CRASHED))

    def _blind(self, room: ExamRoom, seat: Seat, blind: Mapping[str, Blindness]) -> None:
        if seat.blind != blind:
            seat.blind = blind
            room.tell_tile(seat)

    def _send(self, seat: Seat, message: ForgetStudent | WantOverlay) -> None:
        """Where that process is down there is nothing to say: it is briefed anew when it is back."""
        if seat.analysis is None:
            return
        try:
            self._fleet.analysis(seat.analysis).send(message)
        except ProctorError:
            log.info("analysis is down", extra={"index": seat.analysis})


_ENROLLED = "attempt.enrolled"
