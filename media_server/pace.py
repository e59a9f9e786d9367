"""When the next packet of a stream is overdue."""

from __future__ import annotations

from media_server.rtp import RtpPacket

OVERDUE_IN_FRAME = 0.05
"""Seconds after which the next packet of an unfinished frame is taken for lost."""
SLOWEST_EXPECTED = 0.5
"""Seconds between frames above which a late frame is no sign of loss."""
FASTEST_SUSPECTED = 0.12
"""Seconds between frames below which the next frame shows a loss soon enough: a suspicion that was wrong
costs a retransmission."""
_GRACE = 0.02
"""Seconds granted for jitter."""


class FramePace:
    """When the next packet of a stream should be there. Where the last packets of a frame are lost, only
    the next frame would show it, on a slow track too late."""

    def __init__(self, clock_rate: int) -> None:
        self._rate = clock_rate
        self._timestamp: int | None = None
        self._interval = 0.0
        self._last_at = 0.0
        self._in_frame = False

    def add(self, packet: RtpPacket) -> None:
        if self._timestamp is not None and packet.timestamp != self._timestamp:
            ticks = packet.timestamp - self._timestamp & 0xFFFFFFFF
            if ticks >> 31:
                return  # an older frame's packet, retransmitted
            step = min(ticks / self._rate, 2.0)
            self._interval = step if not self._interval else 0.8 * self._interval + 0.2 * step
        self._timestamp = packet.timestamp
        self._last_at = packet.arrived_at
        self._in_frame = not packet.marker

    def overdue_at(self) -> float | None:
        """UNIX seconds; None where nothing can be expected."""
        if self._in_frame:
            return self._last_at + OVERDUE_IN_FRAME
        if FASTEST_SUSPECTED < self._interval < SLOWEST_EXPECTED:
            return self._last_at + 1.15 * self._interval + _GRACE
        return None
