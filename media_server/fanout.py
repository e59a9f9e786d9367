"""One track to any number of subscribers, with what a late one needs to see a picture at once."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from media_server.frames import EncodedFrame, FrameCallback, TrackRole

log = logging.getLogger(__name__)

MAX_REPLAY_FRAMES = 45
MAX_REPLAY_BYTES = 256 * 1024
"""A group of pictures longer than this is not replayed: a new keyframe is there sooner."""
RATE_WINDOW = 3.0
"""Seconds over which rates are told."""

Unsubscribe: TypeAlias = Callable[[], None]


class FrameSource(Protocol):
    """Where a watcher's slot gets its frames: a student's feed, or the annotated track."""

    @property
    def attempt(self) -> str: ...

    def subscribe(self, role: TrackRole, callback: FrameCallback) -> Unsubscribe: ...

    def request_keyframe(self, role: TrackRole) -> None: ...

    def replay(self, role: TrackRole) -> Sequence[EncodedFrame]:
        """From the last keyframe up to the newest frame, where that is short; else empty."""


class TrackFanout:
    """Frames in, subscribers out, in the caller's stack: nothing is queued."""

    def __init__(
        self,
        ask_for_keyframe: Callable[[], None],
        on_demand: Callable[[bool], None] | None = None,
    ) -> None:
        self._ask = ask_for_keyframe
        self._on_demand = on_demand
        self._subscribers: dict[object, FrameCallback] = {}
        self._group: list[EncodedFrame] | None = None
        self._group_bytes = 0
        self._recent: deque[tuple[float, int]] = deque(maxlen=256)
        self.last_frame_at: float | None = None
        """Server UNIX seconds of arrival."""

    @property
    def watched(self) -> bool:
        return bool(self._subscribers)

    def subscribe(self, callback: FrameCallback) -> Unsubscribe:
        key = object()
        self._subscribers[key] = callback
        if len(self._subscribers) == 1 and self._on_demand is not None:
            self._on_demand(True)

        def unsubscribe() -> None:
            removed = self._subscribers.pop(key, None)
            if removed is not None and not self._subscribers and self._on_demand is not None:
                self._on_demand(False)

        return unsubscribe

    def request_keyframe(self) -> None:
        self._ask()

    def replay(self) -> Sequence[EncodedFrame]:
        return tuple(self._group or ())

    def push(self, frame: EncodedFrame) -> None:
        now = time.time()
        self.last_frame_at = now
        self._recent.append((now, len(frame.data)))
        if frame.track.is_video:
            self._remember(frame)
        for callback in tuple(self._subscribers.values()):
            try:
                callback(frame)
            except Exception:
                log.exception("a subscriber failed", extra={"role": frame.track.value})

    def _remember(self, frame: EncodedFrame) -> None:
        if frame.keyframe:
            self._group, self._group_bytes = [], 0
        if self._group is None:
            return
        self._group.append(frame)
        self._group_bytes += len(frame.data)
        if len(self._group) > MAX_REPLAY_FRAMES or self._group_bytes > MAX_REPLAY_BYTES:
            self._group = None

    def forget(self) -> None:
        """What was received belongs to a connection that is gone."""
        self._group = None

    def rates(self) -> tuple[float, float]:
        """(frames a second, kbit/s) over the last seconds."""
        since = time.time() - RATE_WINDOW
        recent = [size for at, size in self._recent if at >= since]
        return len(recent) / RATE_WINDOW, sum(recent) * 8 / RATE_WINDOW / 1000


class ExternalSource:
    """A track that does not come from a student's connection: the annotated one, whose frames the
    analysis process encodes. `on_demand` hears when the first watcher comes and the last one leaves."""

    def __init__(
        self,
        attempt: str,
        ask_for_keyframe: Callable[[], None],
        on_demand: Callable[[bool], None] | None = None,
    ) -> None:
        self._attempt = attempt
        self._fanout = TrackFanout(ask_for_keyframe, on_demand)

    @property
    def attempt(self) -> str:
        return self._attempt

    @property
    def watched(self) -> bool:
        return self._fanout.watched

    def push(self, frame: EncodedFrame) -> None:
        self._fanout.push(frame)

    def subscribe(self, role: TrackRole, callback: FrameCallback) -> Unsubscribe:
        return self._fanout.subscribe(callback)

    def request_keyframe(self, role: TrackRole) -> None:
        self._fanout.request_keyframe()

    def replay(self, role: TrackRole) -> Sequence[EncodedFrame]:
        return self._fanout.replay()
