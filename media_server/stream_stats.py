"""What a receiver report says about one RTP stream (RFC 3550, 6.4.1 and appendix A)."""

from __future__ import annotations

from struct import pack

from media_server.rtp import RtpPacket, unwrap


class StreamStats:
    """Counts of one received stream; hands out extended sequence numbers on the way."""

    def __init__(self, clock_rate: int) -> None:
        self._rate = clock_rate
        self._base: int | None = None
        self._highest = 0
        self.received = 0
        self.bytes = 0
        self.jitter = 0.0
        """RTP ticks."""
        self._transit: float | None = None
        self._last_timestamp: int | None = None
        self._expected_before = 0
        self._received_before = 0
        self.fraction_lost = 0.0
        """0-1, over the last report interval."""

    def add(self, packet: RtpPacket) -> int:
        """Count a packet that came on the stream itself; its extended sequence number."""
        if self._base is None:
            # One cycle up, so that packets from before the first one do not become negative.
            self._base = self._highest = packet.sequence + 0x10000
            extended = self._base
        else:
            extended = unwrap(packet.sequence, self._highest, 16)
            self._highest = max(self._highest, extended)
        self.received += 1
        self.bytes += len(packet.payload)
        if packet.timestamp != self._last_timestamp:
            self._note_jitter(packet)
        return extended

    def extend(self, sequence: int) -> int | None:
        """The extended number of a retransmitted packet; None while nothing was received."""
        return None if self._base is None else unwrap(sequence, self._highest, 16)

    def _note_jitter(self, packet: RtpPacket) -> None:
        if self._last_timestamp is not None and self._transit is not None:
            ticks = unwrap(packet.timestamp, self._last_timestamp, 32) - self._last_timestamp
            elapsed = (packet.arrived_at - self._transit) * self._rate
            self.jitter += (abs(elapsed - ticks) - self.jitter) / 16
        self._last_timestamp = packet.timestamp
        self._transit = packet.arrived_at

    @property
    def expected(self) -> int:
        return 0 if self._base is None else self._highest - self._base + 1

    @property
    def lost(self) -> int:
        return max(0, self.expected - self.received)

    def report_block(self, ssrc: int, last_report: int, delay: float) -> bytes:
        """24 bytes for an RR, and a new interval. `last_report`: middle 32 bits of the sender's last NTP
        time; `delay`: seconds since it came."""
        expected, received = self.expected, self.received
        interval = expected - self._expected_before
        missing = interval - (received - self._received_before)
        self._expected_before, self._received_before = expected, received
        self.fraction_lost = missing / interval if interval > 0 and missing > 0 else 0.0
        return pack(
            "!LLLLLL",
            ssrc,
            int(self.fraction_lost * 255) << 24 | min(self.lost, 0x7FFFFF),
            self._highest & 0xFFFFFFFF,
            int(self.jitter) & 0xFFFFFFFF,
            last_report,
            min(int(delay * 65_536), 0xFFFFFFFF),
        )
