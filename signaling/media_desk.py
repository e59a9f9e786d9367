"""Between the rooms and the media processes: who publishes where, how it arrives, and what to do when
a process dies. What comes from the workers enters here and is passed on to the desk it concerns.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Literal

from core.attempts import AttemptStatus
from core.errors import OutOfOrder, ProctorError
from core.incidents import EventRecord
from core.kinds import Kind
from core.ports import Clock
from core.tasks import TaskSet
from signaling.analysis_desk import AnalysisDesk
from signaling.fleet import Fleet
from signaling.incidents_desk import IncidentsDesk
from signaling.messages import MediaState, Publish, WorkerState
from signaling.recording_desk import RecordingDesk
from signaling.rooms import ExamRoom, Rooms
from signaling.seat import Seat
from signaling.watching import WatchingDesk
from transport.messages import (
    AnyMessage,
    CloseStudent,
    FeedHealth,
    FindingReport,
    Overlay,
    PeerState,
    RecordingProblem,
    SdpAnswer,
    SegmentWritten,
    Sight,
    SlotMapping,
    StudentOffer,
    Thumbnail,
    UseAnalysis,
    WorkerStats,
)

log = logging.getLogger(__name__)

WorkerRole = Literal["media", "analysis"]

INDEX_S = 10.0
"""How long segments that were reported may take to be in the index."""


class MediaDesk:
    def __init__(
        self,
        *,
        fleet: Fleet,
        rooms: Rooms,
        incidents: IncidentsDesk,
        analysis: AnalysisDesk,
        recording: RecordingDesk,
        watching: WatchingDesk,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._rooms = rooms
        self._incidents = incidents
        self._analysis = analysis
        self._recording = recording
        self._watching = watching
        self._clock = clock
        self._tasks = TaskSet("media desk")
        self._segments = TaskSet("segments")
        self._silence = TaskSet("analysis silence")
        self._publishing: dict[str, asyncio.Lock] = {}
        self.stats: dict[tuple[WorkerRole, int], WorkerStats] = {}
        self.workers: set[tuple[WorkerRole, int]] = set()
        """Those that are up."""
        rooms.on_record(self._recorded)

    async def start(self) -> None:
        """Attempts under way wait for their students to come back."""
        for room in self._rooms:
            for seat in room.seats.values():
                if seat.under_way:
                    seat.show("reconnecting", self._clock())
                    self._incidents.begin(seat, Kind.DISCONNECTED, "media")
        self._silence.start(self._analysis.listen_for_silence(), name="analysis.silence")

    async def aclose(self) -> None:
        """What the workers said so far is on disk when this returns. May be called twice."""
        await self._silence.aclose()
        for tasks in (self._segments, self._tasks):
            await tasks.drain(INDEX_S)
            await tasks.aclose()

    async def publish(self, room: ExamRoom, seat: Seat, request: Publish) -> str:
        """Answer a student's offer. A later one of the same attempt takes the place of the earlier."""
        if seat.status.over:
            raise OutOfOrder(what="Publishing after the end")
        async with self._publishing.setdefault(seat.attempt_id, asyncio.Lock()):
            seat.worker, seat.analysis = self._fleet.place(seat.attempt_id)
            channel = self._fleet.media(seat.worker)
            offer = StudentOffer(attempt_id=seat.attempt_id, sdp=request.sdp, roles=dict(request.tracks))
            answer = await channel.request(offer, SdpAnswer, seconds=20)
            if seat.under_way:
                await self._recording.start(room, seat)
            await self._look(room, seat)
        return answer.sdp

    async def _look(self, room: ExamRoom, seat: Seat) -> None:
        """Have analysis look; where it is down, that is a gap, and media goes on."""
        assert seat.worker is not None
        assert seat.analysis is not None
        try:
            await self._analysis.brief(room, seat)
        except ProctorError:
            self._incidents.begin(seat, Kind.ANALYSIS_GAP, "analysis")
        socket = str(self._fleet.analysis_socket(seat.analysis))
        self._fleet.media(seat.worker).send(UseAnalysis(attempt_id=seat.attempt_id, socket=socket))

    def page_joined(self, seat: Seat) -> None:
        self._incidents.end(seat, Kind.DISCONNECTED, "page")

    def page_left(self, seat: Seat) -> None:
        self._incidents.begin(seat, Kind.DISCONNECTED, "page")
        self._incidents.page_left(seat)

    def take(self, role: WorkerRole, index: int, message: AnyMessage) -> None:
        """A message of a worker. Never blocks; what takes time becomes a task."""
        match message:
            case FeedHealth():
                self._health(message)
            case Overlay():
                self._analysis.overlay(message)
            case Sight():
                self._analysis.sight(message)
            case FindingReport():
                self._analysis.finding(message)
            case Thumbnail():
                self._recording.thumbnail(message)
            case SegmentWritten():
                self._segments.start(self._recording.segment(message), name="segment")
            case RecordingProblem():
                self._recording.problem(message)
            case SlotMapping():
                self._watching.mapping(message)
            case PeerState() if message.side == "student":
                self._peer(message)
            case PeerState():
                log.debug("watcher", extra={"watcher": message.id, "state": message.state})
            case WorkerStats():
                self.stats[role, index] = message
            case _:
                log.warning("a worker said what nobody takes", extra={"what": type(message).__name__})

    def down(self, role: WorkerRole, index: int) -> None:
        """A worker process is gone."""
        log.warning("a worker is gone", extra={"role": role, "index": index})
        self.stats.pop((role, index), None)
        self.workers.discard((role, index))
        if role == "analysis":
            self._analysis.down(index)
            return
        self._watching.down(index)
        for room in self._rooms:
            for seat in room.seats.values():
                if seat.worker == index and not seat.status.over:
                    self._lost(room, seat, "reconnecting")
            room.tell_proctors(WorkerState(worker=index, state="down"))

    def up(self, role: WorkerRole, index: int) -> None:
        """A worker process is there, at the start or again; it knows nobody."""
        log.info("a worker is up", extra={"role": role, "index": index})
        self.workers.add((role, index))
        if role == "analysis":
            self._later(self._analysis_up(index), "analysis.up")
            return
        for room in self._rooms:
            for seat in room.seats.values():
                if seat.worker == index and not seat.status.over:
                    room.tell_student(seat.attempt_id, MediaState(state="republish"))
            room.tell_proctors(WorkerState(worker=index, state="up"))

    async def _analysis_up(self, index: int) -> None:
        await self._analysis.up(index)
        for room in self._rooms:
            for seat in list(room.seats.values()):
                if seat.analysis == index and seat.worker is not None and not seat.status.over:
                    await self._look(room, seat)

    def _peer(self, message: PeerState) -> None:
        found = self._rooms.find(message.id)
        if found is None or found[1].status.over:
            return
        room, seat = found
        match message.state:
            case "connecting":
                self._show(room, seat, "connecting" if seat.state == "absent" else "reconnecting")
            case "connected":
                self._incidents.end(seat, Kind.DISCONNECTED, "media")
            case "closed" | "failed":
                self._lost(room, seat, "reconnecting" if seat.under_way else "absent")
                if message.state == "failed":
                    room.tell_student(seat.attempt_id, MediaState(state="republish"))

    def _lost(self, room: ExamRoom, seat: Seat, state: Literal["reconnecting", "absent"]) -> None:
        seat.health = None
        self._incidents.begin(seat, Kind.DISCONNECTED, "media")
        self._incidents.end(seat, Kind.MEDIA_STALLED, "picture")
        self._show(room, seat, state)

    def _health(self, message: FeedHealth) -> None:
        found = self._rooms.find(message.attempt_id)
        if found is None or found[1].status.over:
            return
        room, seat = found
        before = seat.health
        seat.health = message
        arrives = seat.picture_arrives
        if arrives:
            self._incidents.end(seat, Kind.DISCONNECTED, "media")
            self._incidents.end(seat, Kind.MEDIA_STALLED, "picture")
        elif seat.state == "live":
            self._incidents.begin(seat, Kind.MEDIA_STALLED, "picture")
        if arrives or seat.state == "live":
            seat.show("live" if arrives else "frozen", self._clock())
        room.tell_tile(seat)
        tracks = _live(message)
        if before is None or _live(before) != tracks:
            room.tell_student(
                seat.attempt_id, MediaState(state="live" if arrives else "stalled", tracks=tracks)
            )

    def _show(
        self, room: ExamRoom, seat: Seat, state: Literal["connecting", "reconnecting", "absent"]
    ) -> None:
        if seat.show(state, self._clock()):
            room.tell_tile(seat)

    def _recorded(self, seat: Seat, record: EventRecord) -> None:
        """The recording follows the attempt's status, whoever changed it."""
        if record.type != "attempt.status":
            return
        if seat.status.over:
            self._later(self._finish(seat), "finish")
        elif record.payload["previous"] == AttemptStatus.NONE.value:
            self._later(self._begin(seat), "begin")

    async def _begin(self, seat: Seat) -> None:
        found = self._rooms.find(seat.attempt_id)
        assert found is not None
        await self._recording.start(found[0], seat)

    async def _finish(self, seat: Seat) -> None:
        """The last segment first, then let go of the student."""
        try:
            await self._recording.stop(seat)
            await self._segments.drain(INDEX_S)
            self._recording.forget(seat.attempt_id)
            self._analysis.forget(seat)
            if seat.worker is not None:
                self._fleet.media(seat.worker).send(CloseStudent(attempt_id=seat.attempt_id))
        finally:
            self._fleet.forget(seat.attempt_id)
            self._publishing.pop(seat.attempt_id, None)
            seat.worker = None

    def still_recording(self, attempt_id: str) -> bool:
        """Whether segments may still come: a moment longer than the attempt runs."""
        found = self._rooms.find(attempt_id)
        return found is not None and found[1].worker is not None

    def _later(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.start(self._guarded(work, name), name=f"media.{name}")

    async def _guarded(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """A worker that is down meanwhile is no bug here: what follows when it is up puts it right."""
        try:
            await work
        except ProctorError as error:
            log.info("put off", extra={"what": name, "why": str(error)})


def _live(health: FeedHealth) -> dict[str, bool]:
    return {track.role: track.live for track in health.tracks}
