"""One peer connection's life: offer, answer, connected or given up, watched, closed."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from aiortc import RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError

from core.errors import BadMessage, OutOfOrder
from core.tasks import cancel_and_wait
from media_server import sdp
from media_server.aiortc_compat import MediaPeerConnection, MediaSection
from media_server.frames import EncodedFrame, FrameCallback, TrackRole
from media_server.media_transport import MediaTransport
from media_server.receiver import EncodedReceiver, ReceiverStats
from media_server.relay import MappingCallback, Slot
from media_server.sender import EncodedSender
from media_server.timeline import RtpTimeline

log = logging.getLogger(__name__)

MAX_SECTIONS = 256
"""Media sections in an offer; a wall of a hundred with sound fits."""
_LOOK = 0.5
"""Seconds between looks of the watchdog."""
_UNREADABLE = (
    ValueError, KeyError, IndexError, AssertionError, AttributeError, TypeError,
    OperationError, InternalError, InvalidAccessError, InvalidStateError,
)  # fmt: skip


class PeerState(StrEnum):
    CONNECTING = "connecting"
    CONNECTED = "connected"
    STALLED = "stalled"
    """Connected, but no packet for some seconds; `connected` follows when they come again."""
    FAILED = "failed"
    CLOSED = "closed"

    @property
    def over(self) -> bool:
        return self in (PeerState.FAILED, PeerState.CLOSED)


@dataclass(frozen=True, slots=True)
class LinkStats:
    """A watcher's path, as its browser last reported."""

    fraction_lost: float
    """0-1, before retransmission, over all slots."""
    round_trip: float | None
    """Seconds."""


StateCallback = Callable[[PeerState], None]


@dataclass(frozen=True, slots=True)
class PeerSettings:
    public_address: str | None = None
    """IP address under which browsers reach this machine, where it stands behind a one-to-one NAT."""
    connect_timeout: float = 10.0
    """Seconds from the answer to the first connection."""
    stall_after: float = 3.0
    """Seconds without a packet after which a student counts as stalled."""

    def __post_init__(self) -> None:
        if self.public_address is not None:
            ipaddress.ip_address(self.public_address)


class Peer:
    """What students' and watchers' connections have in common. Answers one offer, once."""

    def __init__(self, settings: PeerSettings, on_state: StateCallback | None) -> None:
        self._settings = settings
        self._on_state = on_state
        self._connection = MediaPeerConnection()
        self._connection.on("connectionstatechange", self._on_connection_state)
        self._state = PeerState.CONNECTING
        self._answered = False
        self._connected = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    @property
    def state(self) -> PeerState:
        return self._state

    @property
    def closed(self) -> bool:
        """Closing has ended; nothing of the connection is left."""
        return self._closing is not None and self._closing.done()

    @property
    def transport(self) -> MediaTransport | None:
        return self._connection.media_transport

    async def answer(self, offer: str) -> str:
        """The answer to an SDP offer that holds all its candidates. Raises BadMessage where the offer
        cannot be used, OutOfOrder when called twice or after closing."""
        if self._answered or self._closing is not None:
            raise OutOfOrder(what="A second offer")
        self._answered = True
        if offer.count("\nm=") > MAX_SECTIONS:
            raise BadMessage(detail=f"more than {MAX_SECTIONS} media sections")
        offer, usable = sdp.strip_mdns(sdp.slim(offer))
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            if not self._connection.sections():
                raise ValueError("no media section")
            for section in self._connection.sections():
                self._prepare(section)
            await asyncio.sleep(0)  # a large offer takes a while: let media through in between
            answer = await self._connection.createAnswer()
            await asyncio.sleep(0)
            await self._connection.setLocalDescription(answer)
            if usable:
                # Without any the browser's own checks are waited for, until the time is up.
                await self._connection.addIceCandidate(None)
        except _UNREADABLE as error:
            log.info("offer refused", extra={"reason": repr(error)})
            await self.close()
            raise BadMessage(detail="the connection offer cannot be used") from error
        self._watch = asyncio.create_task(self._watch_over(), name="peer-watch")
        told: str = self._connection.localDescription.sdp
        if self._settings.public_address is not None:
            told = sdp.advertise(told, self._settings.public_address)
        return sdp.long_audio_packets(told)

    def _prepare(self, section: MediaSection) -> None:
        """Decide what to do with a media section of the offer."""
        raise NotImplementedError

    async def close(self) -> None:
        """Awaited and repeatable."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="peer-close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await cancel_and_wait(self._watch)
        await self._connection.close()
        self._set_state(PeerState.CLOSED)
        self._on_state = None

    def retire(self) -> None:
        """Close without waiting, when another connection has taken over; `close` may still be awaited."""
        self._on_state = None
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="peer-close")

    def _on_connection_state(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self._connected.set()
            self._set_state(PeerState.CONNECTED)
        elif state in ("failed", "closed") and self._closing is None:
            self._give_up(PeerState.FAILED if state == "failed" else PeerState.CLOSED)

    def _give_up(self, state: PeerState) -> None:
        self._set_state(state)
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="peer-close")

    def _set_state(self, state: PeerState) -> None:
        if state is self._state or self._state.over:
            return
        self._state = state
        if self._on_state is not None:
            self._on_state(state)

    async def _watch_over(self) -> None:
        """ICE may stay in checking for ever, and takes half a minute to notice that a peer is gone."""
        try:
            async with asyncio.timeout(self._settings.connect_timeout):
                await self._connected.wait()
        except TimeoutError:
            self._give_up(PeerState.FAILED)
            return
        connected_at = time.time()
        while not self._state.over:
            await asyncio.sleep(_LOOK)
            self._look(connected_at)

    def _look(self, connected_at: float) -> None:
        """Called twice a second while connected."""

    def candidate_types(self) -> tuple[str, str] | None:
        """(local, remote) ICE candidate type in use; None while not connected."""
        transport = self.transport
        return None if transport is None else transport.candidate_types()


class StudentPeer(Peer):
    """A student's connection. `roles` tells what each media section (by mid) is for; sections it does
    not name are refused. Sound is `sendrecv`: the talk-back goes to the student on it."""

    def __init__(
        self,
        roles: Mapping[str, TrackRole],
        on_frame: FrameCallback,
        *,
        settings: PeerSettings | None = None,
        on_state: StateCallback | None = None,
    ) -> None:
        super().__init__(settings or PeerSettings(), on_state)
        self._roles = dict(roles)
        self._on_frame = on_frame
        self._receivers: dict[TrackRole, EncodedReceiver] = {}
        self._talk: EncodedSender | None = None
        self._talk_clock = RtpTimeline()
        self._talk_epoch: int | None = None

    def _prepare(self, section: MediaSection) -> None:
        role = self._roles.get(section.mid)
        receiver = section.receiver
        if role is None or role.is_video != (section.kind == "video"):
            section.direct("inactive")
            return
        receiver.role = role
        receiver.sink = self._on_frame
        self._receivers[role] = receiver
        if role is TrackRole.AUDIO:
            section.direct("sendrecv")
            self._talk = section.sender

    def _look(self, connected_at: float) -> None:
        transport = self.transport
        last = max(connected_at, (transport and transport.last_packet_at) or 0.0)
        silent = time.time() - last > self._settings.stall_after
        self._set_state(PeerState.STALLED if silent else PeerState.CONNECTED)

    def request_keyframe(self, role: TrackRole) -> None:
        if receiver := self._receivers.get(role):
            receiver.request_keyframe()

    def push_talk(self, frame: EncodedFrame) -> bool:
        """Opus from whoever speaks to the student; False where it could not be sent."""
        if self._talk is None or not self._talk.ready:
            return False
        if frame.epoch != self._talk_epoch:
            self._talk_epoch = frame.epoch
            self._talk_clock.join(frame)
        return self._talk.push(frame, self._talk_clock.stamp(frame))

    def receiver_stats(self) -> dict[TrackRole, ReceiverStats]:
        return {role: receiver.stats() for role, receiver in self._receivers.items()}

    def round_trip(self) -> float | None:
        """Seconds; None where nothing has told yet."""
        known = [trip for one in self._receivers.values() if (trip := one.round_trip) is not None]
        if self._talk is not None and self._talk.stats.round_trip is not None:
            known.insert(0, self._talk.stats.round_trip)
        return known[0] if known else None


class WatcherPeer(Peer):
    """A proctor's connection: slots to be filled (see `relay.Slot`), and a voice to be heard.

    `talk_mid` is the section the watcher speaks on. `together` pairs a sound slot with the picture slot
    it belongs to (mids), so that a browser plays the two in sync; other slots stand alone.
    """

    def __init__(
        self,
        *,
        talk_mid: str | None = None,
        together: Mapping[str, str] | None = None,
        settings: PeerSettings | None = None,
        on_state: StateCallback | None = None,
        on_mapping: MappingCallback | None = None,
        on_talk: FrameCallback | None = None,
    ) -> None:
        super().__init__(settings or PeerSettings(), on_state)
        self._talk_mid = talk_mid
        self._together = dict(together or {})
        self._on_mapping = on_mapping
        self._on_talk = on_talk
        self.slots: dict[str, Slot] = {}
        """By mid, in the offer's order; filled by `answer`."""

    def _prepare(self, section: MediaSection) -> None:
        mid = section.mid
        if mid == self._talk_mid and section.kind == "audio":
            section.direct("recvonly")
            section.receiver.sink = self._on_talk
            return
        section.direct("sendonly")
        section.sender.name_stream(f"slot-{self._together.get(mid, mid)}")
        self.slots[mid] = Slot(mid, section.kind, section.sender, self._on_mapping)

    def link(self) -> LinkStats:
        """How the watcher's own path does. Students do not send less for one poor watcher: show that
        watcher low tracks instead."""
        active = [slot.sender.stats for slot in self.slots.values() if slot.sender.stats.packets]
        sent = sum(stats.packets for stats in active)
        lost = sum(stats.fraction_lost * stats.packets for stats in active)
        trips = [stats.round_trip for stats in active if stats.round_trip is not None]
        return LinkStats(lost / sent if sent else 0.0, min(trips, default=None))

    async def _close(self) -> None:
        for slot in self.slots.values():
            slot.close()
        await super()._close()
