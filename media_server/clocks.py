"""From RTP timestamps to the server's clock.

A sender report says: at this NTP time of mine, my RTP clock stood here. Two tracks of one sender
share that NTP clock, so once each track's RTP time is put on it, they are in sync; one offset for
the whole peer then carries both to the server's clock. Keeping these pairs is what lip sync needs.
"""

from __future__ import annotations

from collections import deque

from media_server.rtp import unwrap

_WINDOW = 30
"""Sender reports looked back on for the smallest delay."""
_SLEW = 0.005
"""Seconds the offset may move a report: all tracks move together and nobody sees it."""
_STEP = 1.0
"""A larger error means the sender's clock was set: follow at once."""


class SenderClock:
    """Offset from a peer's NTP clock to the server's UNIX clock, shared by all its tracks.

    The smallest (arrival - sending) seen is the one that waited least in queues; it includes the
    one-way delay of an idle path, which cannot be told from a difference of clocks.
    """

    def __init__(self) -> None:
        self._samples: deque[float] = deque(maxlen=_WINDOW)
        self.offset: float | None = None
        """Seconds to add to the sender's UNIX time; None before the first report."""

    def observe(self, sender_time: float, arrived_at: float) -> None:
        sample = arrived_at - sender_time
        if self.offset is None or abs(sample - self.offset) > _STEP:
            self._samples.clear()
            self._samples.append(sample)
            self.offset = sample
            return
        self._samples.append(sample)
        error = min(self._samples) - self.offset
        self.offset += max(-_SLEW, min(_SLEW, error))


class StreamClock:
    """Capture times of one RTP stream."""

    def __init__(self, clock_rate: int, sender: SenderClock) -> None:
        self._rate = clock_rate
        self._sender = sender
        self._report: tuple[float, int] | None = None
        self._origin: tuple[float, int] | None = None
        self._last = 0.0

    def on_report(self, sender_time: float, rtp_timestamp: int) -> None:
        """A sender report's (NTP as UNIX seconds, RTP) pair."""
        self._report = (sender_time, rtp_timestamp)

    def captured_at(self, rtp_timestamp: int, arrived_at: float) -> float:
        """Server UNIX seconds; never smaller than what was returned before."""
        if self._report is not None and self._sender.offset is not None:
            sender_time, reference = self._report
            at = sender_time + self._since(rtp_timestamp, reference) + self._sender.offset
        else:
            at = self._by_arrival(rtp_timestamp, arrived_at)
        self._last = max(self._last, at)
        return self._last

    def _by_arrival(self, rtp_timestamp: int, arrived_at: float) -> float:
        """Along the RTP clock from the packet that was least late so far."""
        if self._origin is not None:
            at, reference = self._origin
            predicted = at + self._since(rtp_timestamp, reference)
            if arrived_at - _STEP <= predicted <= arrived_at:
                return predicted
        self._origin = (arrived_at, rtp_timestamp)
        return arrived_at

    def _since(self, rtp_timestamp: int, reference: int) -> float:
        return (unwrap(rtp_timestamp, reference, 32) - reference) / self._rate
