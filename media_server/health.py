"""How a student's media arrives, for the proctor's tile: once a second, and at once when a track changes."""

from __future__ import annotations

import time
from typing import cast

from media_server.fanout import Unsubscribe
from media_server.frames import EncodedFrame, TrackRole
from media_server.ingest import StudentFeed, TrackStats
from transport.messages import FeedHealth, Role, TrackHealth

STALL_S = {
    TrackRole.MAIN: 2.0,
    TrackRole.LOW: 2.0,
    TrackRole.SCREEN: 4.0,  # one frame a second while nothing moves on it
    TrackRole.AUDIO: 2.0,  # a packet every 0.4 s in silence
}
"""Without a frame for so long a track is not live."""
EVERY_S = 1.0


class HealthWatch:
    """Ask `due` a few times a second; it says when `report` has something to say."""

    def __init__(self, feed: StudentFeed) -> None:
        self._feed = feed
        self._last_frame_at: dict[TrackRole, float] = {}
        self._sizes: dict[TrackRole, tuple[int | None, int | None]] = {}
        self._said: frozenset[TrackRole] = frozenset()
        self._said_at = 0.0
        self._unsubscribe: list[Unsubscribe] = [feed.subscribe(role, self._on_frame) for role in STALL_S]

    def close(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    def _on_frame(self, frame: EncodedFrame) -> None:
        self._last_frame_at[frame.track] = time.time()
        if frame.keyframe and frame.width is not None:
            self._sizes[frame.track] = (frame.width, frame.height)

    def _live(self, now: float) -> frozenset[TrackRole]:
        return frozenset(role for role, at in self._last_frame_at.items() if now - at < STALL_S[role])

    def due(self, now: float) -> bool:
        return now >= self._said_at + EVERY_S or self._live(now) != self._said

    def report(self, now: float) -> FeedHealth:
        self._said, self._said_at = self._live(now), now
        stats = self._feed.stats()
        trip = stats.round_trip_ms
        lossy = [track.fraction_lost for track in stats.tracks.values()]
        return FeedHealth(
            attempt_id=self._feed.attempt,
            tracks=[self._track(role, track) for role, track in stats.tracks.items()],
            loss_percent=round(100 * max(lossy, default=0.0), 1),
            rtt_ms=None if trip is None else round(trip, 1),
            local_candidate=stats.local_candidate,
            remote_candidate=stats.remote_candidate,
        )

    def _track(self, role: TrackRole, stats: TrackStats) -> TrackHealth:
        width, height = self._sizes.get(role, (None, None))
        return TrackHealth(
            role=cast(Role, role.value),
            live=role in self._said,
            fps=round(stats.fps, 1),
            kbps=round(stats.kbps, 1),
            lost=max(0, stats.packets_lost - stats.packets_recovered),
            last_frame_at=self._last_frame_at.get(role),
            width=width,
            height=height,
        )
