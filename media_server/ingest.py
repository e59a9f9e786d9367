"""A student's media, as the rest of the media process sees it: one feed an attempt, whatever happens to
the connection underneath."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from media_server.fanout import TrackFanout, Unsubscribe
from media_server.frames import EncodedFrame, FrameCallback, TrackRole
from media_server.peer import PeerSettings, PeerState, StudentPeer

log = logging.getLogger(__name__)

FeedStateCallback = Callable[["StudentFeed", PeerState], None]


@dataclass(frozen=True, slots=True)
class TrackStats:
    fps: float
    kbps: float
    last_frame_age: float | None
    """Seconds; None before the first frame."""
    fraction_lost: float
    jitter_ms: float
    frames: int
    frames_dropped: int
    packets: int
    packets_lost: int
    packets_recovered: int
    keyframe_requests: int


@dataclass(frozen=True, slots=True)
class FeedStats:
    state: PeerState
    tracks: Mapping[TrackRole, TrackStats]
    round_trip_ms: float | None
    local_candidate: str | None
    """host, srflx, prflx or relay."""
    remote_candidate: str | None
    connections: int
    """How many the student has had in this attempt."""


class StudentFeed:
    """Lives as long as the attempt. Subscribers stay subscribed when the student's network changes and
    another connection takes over; its frames carry another `epoch`."""

    def __init__(self, attempt: str, on_state: FeedStateCallback | None = None) -> None:
        self._attempt = attempt
        self._on_state = on_state
        self._peer: StudentPeer | None = None
        self._joining: StudentPeer | None = None
        self._replaced: list[StudentPeer] = []
        self._connections = 0
        self._talker: object | None = None
        self._tracks: dict[TrackRole, TrackFanout] = {
            role: self._fanout(role) for role in TrackRole if role is not TrackRole.ANNOTATED
        }

    def _fanout(self, role: TrackRole) -> TrackFanout:
        return TrackFanout(lambda: self._ask(role))

    @property
    def attempt(self) -> str:
        return self._attempt

    @property
    def state(self) -> PeerState:
        return PeerState.CONNECTING if self._peer is None else self._peer.state

    # The connection.

    async def connect(
        self, offer: str, roles: Mapping[str, TrackRole], settings: PeerSettings | None = None
    ) -> str:
        """Answer the student's offer. A connection that is there goes on until the new one is up."""
        box: list[StudentPeer] = []
        peer = StudentPeer(
            roles,
            lambda frame: self._on_frame(box[0], frame),
            settings=settings,
            on_state=lambda state: self._on_peer_state(box[0], state),
        )
        box.append(peer)
        superseded, self._joining = self._joining, peer
        if superseded is not None and superseded is not self._peer:
            await superseded.close()
        try:
            return await peer.answer(offer)
        except BaseException:
            if self._joining is peer:
                self._joining = None
            await peer.close()
            raise

    def _on_peer_state(self, peer: StudentPeer, state: PeerState) -> None:
        if peer is self._joining:
            if state is PeerState.CONNECTED:
                self._adopt(peer)
            elif state.over:
                self._joining = None
                if self._peer is not None:
                    return
        if peer is self._peer or self._peer is None:
            self._tell(state)

    def _adopt(self, peer: StudentPeer) -> None:
        """From here on only this connection's frames count."""
        old, self._peer, self._joining = self._peer, peer, None
        self._connections += 1
        for track in self._tracks.values():
            track.forget()
        if old is not None:
            old.retire()
            self._replaced = [peer for peer in self._replaced if not peer.closed] + [old]

    def _tell(self, state: PeerState) -> None:
        if self._on_state is not None:
            self._on_state(self, state)

    async def close(self) -> None:
        """Ends the connection; awaited and repeatable."""
        self._on_state = None
        for peer in (self._joining, self._peer, *self._replaced):
            if peer is not None:
                await peer.close()

    # Frames out.

    def _on_frame(self, peer: StudentPeer, frame: EncodedFrame) -> None:
        if peer is self._peer:
            self._tracks[frame.track].push(frame)

    def subscribe(self, role: TrackRole, callback: FrameCallback) -> Unsubscribe:
        """Frames from now on, of this and every later connection; call the result to stop."""
        return self._tracks[role].subscribe(callback)

    def request_keyframe(self, role: TrackRole) -> None:
        """Asked of the student at most every half second, and again until one comes."""
        self._tracks[role].request_keyframe()

    def replay(self, role: TrackRole) -> Sequence[EncodedFrame]:
        """From the last keyframe to the newest frame, where that is short; else empty."""
        return self._tracks[role].replay()

    def _ask(self, role: TrackRole) -> None:
        if self._peer is not None:
            self._peer.request_keyframe(role)

    # Talk-back in.

    def begin_talk(self, talker: object) -> None:
        """`talker` (any token) is heard from now on; who was heard before is not."""
        self._talker = talker

    def end_talk(self, talker: object) -> None:
        if self._talker is talker:
            self._talker = None

    def push_talk(self, talker: object, frame: EncodedFrame) -> bool:
        """False where somebody else speaks, or the student cannot be reached."""
        return self._talker is talker and self._peer is not None and self._peer.push_talk(frame)

    # How it goes.

    def stats(self) -> FeedStats:
        peer = self._peer
        types = peer.candidate_types() if peer is not None else None
        trip = peer.round_trip() if peer is not None else None
        return FeedStats(
            state=self.state,
            tracks=self._track_stats(),
            round_trip_ms=None if trip is None else 1000 * trip,
            local_candidate=types[0] if types else None,
            remote_candidate=types[1] if types else None,
            connections=self._connections,
        )

    def _track_stats(self) -> dict[TrackRole, TrackStats]:
        if self._peer is None:
            return {}
        now = time.time()
        found = {}
        for role, counts in self._peer.receiver_stats().items():
            track = self._tracks[role]
            fps, kbps = track.rates()
            age = None if track.last_frame_at is None else now - track.last_frame_at
            found[role] = TrackStats(
                fps, kbps, age, counts.fraction_lost, counts.jitter_ms, counts.frames, counts.frames_dropped,
                counts.packets, counts.packets_lost, counts.packets_recovered, counts.keyframe_requests,
            )  # fmt: skip
        return found
