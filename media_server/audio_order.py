"""Opus packets put back in order without waiting: a pause (DTX) or a loss never holds the sound up."""

from __future__ import annotations

from media_server.rtp import RtpPacket

MAX_HELD = 1
"""Packets that wait for an earlier one. Nothing is sent again, so only what was overtaken can still come."""


class AudioOrder:
    """Sequence numbers are extended (never wrap)."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._held: dict[int, RtpPacket] = {}
        self.lost = 0

    def add(self, sequence: int, packet: RtpPacket) -> list[RtpPacket]:
        """Packets that may go on now, oldest first."""
        if self._next is None:
            self._next = sequence
        if sequence < self._next or sequence in self._held:
            return []
        self._held[sequence] = packet
        if len(self._held) > MAX_HELD and self._next not in self._held:
            first = min(self._held)
            self.lost += first - self._next
            self._next = first
        ready: list[RtpPacket] = []
        while (following := self._held.pop(self._next, None)) is not None:
            ready.append(following)
            self._next += 1
        return ready
