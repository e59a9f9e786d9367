"""Puts the frames of several tracks into one order of capture time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from media_server.frames import EncodedFrame

HOLD_BACK_S = 0.5
"""How long a frame waits for others that were captured before it: a jitter buffer and a 60 ms packet."""


class Interleaver:
    """Frames go in as they arrive and come out by `captured_at`; a track's own order never changes."""

    def __init__(self, hold_back_s: float = HOLD_BACK_S) -> None:
        self._hold_back_s = hold_back_s
        self._heap: list[tuple[float, int, EncodedFrame]] = []
        self._count = 0
        self._newest = 0.0

    def push(self, frame: EncodedFrame) -> None:
        self._count += 1
        self._newest = max(self._newest, frame.captured_at)
        heapq.heappush(self._heap, (frame.captured_at, self._count, frame))

    def ready(self, now: float) -> Iterator[EncodedFrame]:
        """Frames nobody is waited for any more: older than the newest, or than `now`, by the hold-back."""
        horizon = max(self._newest, now - self._hold_back_s) - self._hold_back_s
        while self._heap and self._heap[0][0] <= horizon:
            yield heapq.heappop(self._heap)[2]

    def flush(self) -> Iterator[EncodedFrame]:
        while self._heap:
            yield heapq.heappop(self._heap)[2]
