"""One outgoing RTP clock over changing sources."""

from __future__ import annotations

import os

from media_server.frames import CLOCK_RATE, EncodedFrame

_MASK = 0xFFFFFFFF
_STEP_MS = 1
"""Smallest distance between two frames, in milliseconds."""


class RtpTimeline:
    """Keeps timestamps growing as the capture times do, whatever clock a source brings."""

    def __init__(self) -> None:
        self._origin = int.from_bytes(os.urandom(4), "big")
        self._last: tuple[int, float] | None = None
        """(unwrapped timestamp, captured_at) of the newest frame."""
        self._shift = 0
        self._base = 0

    @property
    def offset(self) -> int:
        """source_rtp = (sent_rtp - offset) mod 2^32, since the last `join`."""
        return self._shift & _MASK

    def join(self, frame: EncodedFrame, room: int = 0) -> None:
        """`frame` is the first of a new source or epoch; `room` frames of the past will be stamped
        before it by `stamp_past`."""
        rate = CLOCK_RATE[frame.codec]
        step = rate * _STEP_MS // 1000
        if self._last is None:
            sent = self._origin
        else:
            last, captured_at = self._last
            sent = last + max(round((frame.captured_at - captured_at) * rate), step)
        sent = sent + room * step if self._last is None else max(sent, self._last[0] + (room + 1) * step)
        self._base = sent
        self._shift = sent - frame.rtp_timestamp

    def stamp_past(self, frame: EncodedFrame, before: int) -> int:
        """For the frame that lies `before` frames before the joining one: a millisecond apart each, so
        that a player is through with them at once."""
        return self._base - before * CLOCK_RATE[frame.codec] * _STEP_MS // 1000 & _MASK

    def stamp(self, frame: EncodedFrame) -> int:
        """The frame's outgoing timestamp, 32 bits."""
        sent = frame.rtp_timestamp + self._shift
        if self._last is not None:
            # Unwrap: the source's 32 bits may have begun anew.
            sent = self._last[0] + ((sent - self._last[0] + (1 << 31)) & _MASK) - (1 << 31)
        self._last = (sent, frame.captured_at)
        return sent & _MASK
