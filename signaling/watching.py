"""Proctors' connections to the media processes: which slots they have, and who is in them."""

from __future__ import annotations

import logging
import uuid

from core.errors import NotFound, OutOfOrder, ProctorError
from core.ports import Clock
from signaling.analysis_desk import AnalysisDesk
from signaling.fleet import Fleet
from signaling.interventions import InterventionsDesk
from signaling.messages import Attach, Detach, Focus, Mapping, Talk, TalkState, Watch, Watching
from signaling.rooms import ExamRoom, ProctorPresence, Rooms
from signaling.seat import Seat
from transport import messages as wire
from transport.channel import Channel

log = logging.getLogger(__name__)


class WatchingDesk:
    def __init__(
        self,
        *,
        fleet: Fleet,
        rooms: Rooms,
        analysis: AnalysisDesk,
        interventions: InterventionsDesk,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._rooms = rooms
        self._analysis = analysis
        self._interventions = interventions
        self._clock = clock
        self._owners: dict[str, ProctorPresence] = {}
        self._talking: dict[str, tuple[ExamRoom, str]] = {}
        """Watcher → whom it speaks to."""

    async def watch(self, proctor: ProctorPresence, request: Watch) -> Watching:
        channel = self._fleet.media(request.worker)
        watcher = f"w-{uuid.uuid4().hex}"
        # Known before it is asked: a slot may be filled before the answer has come back.
        self._owners[watcher] = proctor
        proctor.watchers[watcher] = request.worker
        try:
            offer = wire.WatcherOffer(
                watcher_id=watcher,
                sdp=request.sdp,
                talk_mid=request.talk_mid,
                together=request.together,
            )
            answer = await channel.request(offer, wire.SdpAnswer, seconds=20)
        except BaseException:
            self._forget(proctor, watcher)
            raise
        return Watching(re=request.id, watcher=watcher, sdp=answer.sdp)

    async def unwatch(self, proctor: ProctorPresence, watcher: str) -> None:
        await self._stop_talking(watcher)
        self._channel(proctor, watcher).send(wire.CloseWatcher(watcher_id=watcher))
        self._forget(proctor, watcher)

    async def attach(self, room: ExamRoom, proctor: ProctorPresence, request: Attach) -> None:
        """Raises NotFound for an attempt that is not of this room's exam."""
        seat = seat_in(room, request.attempt)
        channel = self._channel(proctor, request.watcher)
        self._same_process(proctor, request.watcher, seat)
        await channel.request(
            wire.Attach(
                watcher_id=request.watcher,
                mid=request.mid,
                attempt_id=seat.attempt_id,
                role=request.track,
            ),
            wire.Done,
        )

    async def detach(self, proctor: ProctorPresence, request: Detach) -> None:
        channel = self._channel(proctor, request.watcher)
        await channel.request(wire.Detach(watcher_id=request.watcher, mid=request.mid), wire.Done)

    async def talk(self, room: ExamRoom, proctor: ProctorPresence, request: Talk) -> None:
        """On the record before the student hears anything; off again without a line of its own."""
        channel = self._channel(proctor, request.watcher)
        await self._stop_talking(request.watcher)
        if request.attempt is None:
            return
        seat = seat_in(room, request.attempt)
        self._same_process(proctor, request.watcher, seat)
        await self._interventions.note_talk(seat, actor=proctor.user.id, reason=request.reason)
        await channel.request(wire.Talk(watcher_id=request.watcher, attempt_id=seat.attempt_id), wire.Done)
        self._talking[request.watcher] = (room, seat.attempt_id)
        room.tell_student(seat.attempt_id, TalkState(on=True, who=proctor.user.name))

    async def focus(self, room: ExamRoom, proctor: ProctorPresence, request: Focus) -> None:
        seat = seat_in(room, request.attempt) if request.attempt is not None else None
        self._refocus(room, proctor, seat)
        if seat is not None:
            await self._interventions.look(seat, proctor.user.id, self._clock())
            room.tell_tile(seat)

    async def leave(self, room: ExamRoom, proctor: ProctorPresence) -> None:
        """The proctor's page is gone."""
        self._refocus(room, proctor, None)
        for watcher in list(proctor.watchers):
            try:
                await self.unwatch(proctor, watcher)
            except ProctorError:  # Media is down, and the watcher with it.
                self._forget(proctor, watcher)

    def mapping(self, message: wire.SlotMapping) -> None:
        proctor = self._owners.get(message.watcher_id)
        if proctor is None:
            return
        proctor.socket.tell(
            Mapping(
                watcher=message.watcher_id,
                mid=message.mid,
                attempt=message.attempt_id,
                track=message.role,
                rtp_offset=message.rtp_offset,
                width=message.width,
                height=message.height,
            )
        )

    def down(self, worker: int) -> None:
        """That media process is gone, and every watcher it had."""
        for watcher, proctor in list(self._owners.items()):
            if proctor.watchers.get(watcher) == worker:
                self._hush(watcher)
                self._forget(proctor, watcher)

    def _refocus(self, room: ExamRoom, proctor: ProctorPresence, seat: Seat | None) -> None:
        """Overlays are made only while somebody looks at them."""
        before, proctor.focus = proctor.focus, seat.attempt_id if seat else None
        if before == proctor.focus:
            return
        if seat is not None:
            self._analysis.want_overlay(seat, wanted=True)
        if before is not None and before in room.seats and not any(room.watchers_of(before)):
            self._analysis.want_overlay(room.seats[before], wanted=False)

    async def _stop_talking(self, watcher: str) -> None:
        if watcher not in self._talking:
            return
        proctor = self._owners[watcher]
        self._hush(watcher)
        stop = wire.Talk(watcher_id=watcher, attempt_id=None)
        await self._channel(proctor, watcher).request(stop, wire.Done)

    def _hush(self, watcher: str) -> None:
        talking = self._talking.pop(watcher, None)
        if talking is not None:
            room, attempt_id = talking
            room.tell_student(attempt_id, TalkState(on=False))

    def _channel(self, proctor: ProctorPresence, watcher: str) -> Channel:
        """Raises NotFound for a watcher of somebody else."""
        if watcher not in proctor.watchers:
            raise NotFound(what="watcher")
        return self._fleet.media(proctor.watchers[watcher])

    def _same_process(self, proctor: ProctorPresence, watcher: str, seat: Seat) -> None:
        if seat.worker is not None and seat.worker != proctor.watchers[watcher]:
            raise OutOfOrder(what="Attaching a student whose media is in another process")

    def _forget(self, proctor: ProctorPresence, watcher: str) -> None:
        self._owners.pop(watcher, None)
        proctor.watchers.pop(watcher, None)
        self._talking.pop(watcher, None)


def seat_in(room: ExamRoom, attempt_id: str) -> Seat:
    """Raises NotFound: there is no telling whether it exists elsewhere."""
    seat = room.seats.get(attempt_id)
    if seat is None:
        raise NotFound(what="attempt")
    return seat
