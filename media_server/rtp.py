"""RTP on the wire: a packet parser that does only what the media plane needs, and its arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct, pack

from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters

NTP_EPOCH_OFFSET = 2_208_988_800
"""Seconds from 1900 (NTP) to 1970 (UNIX)."""

_HEADER = Struct("!BBHLL")
_EXTENSION = Struct("!HH")
_ONE_BYTE = 0xBEDE
_TWO_BYTE = 0x1000

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
ABS_SEND_TIME_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"


@dataclass(frozen=True, slots=True)
class ExtensionIds:
    """The numbers negotiated for the header extensions we read or write; 0 where not negotiated."""

    mid: int = 0
    abs_send_time: int = 0

    @classmethod
    def of(cls, extensions: list[RTCRtpHeaderExtensionParameters]) -> ExtensionIds:
        ids = {extension.uri: extension.id for extension in extensions}
        return cls(mid=ids.get(MID_URI, 0), abs_send_time=ids.get(ABS_SEND_TIME_URI, 0))


@dataclass(slots=True)
class RtpPacket:
    """One packet as received, header taken apart."""

    payload_type: int
    marker: bool
    sequence: int
    """16 bits."""
    timestamp: int
    """32 bits."""
    ssrc: int
    payload: bytes
    """Without padding; empty where the packet was padding only."""
    arrived_at: float
    """UNIX seconds."""
    profile: int = 0
    block: bytes = b""
    """The header extension as it came; taken apart when asked."""

    def extension(self, wanted: int) -> bytes | None:
        """A header extension by its negotiated number (RFC 8285, one- and two-byte headers)."""
        for number, value in _extensions(self.profile, self.block):
            if number == wanted:
                return value
        return None


def parse_rtp(data: bytes, arrived_at: float) -> RtpPacket:
    """Raises ValueError where the packet is not well-formed RTP."""
    if len(data) < 12:
        raise ValueError("RTP packet is too short")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise ValueError("RTP version is not 2")
    start = 12 + 4 * (first & 0x0F)
    end = len(data)
    profile, block = 0, b""
    if first & 0x10:
        if end < start + 4:
            raise ValueError("RTP header extension is truncated")
        profile, words = _EXTENSION.unpack_from(data, start)
        begin = start + 4
        start = begin + 4 * words
        block = data[begin:start]
    if first & 0x20:
        end -= data[-1]
    if start > end:
        raise ValueError("RTP packet is truncated")
    return RtpPacket(
        second & 0x7F,
        second > 0x7F,
        sequence,
        timestamp,
        ssrc,
        data[start:end],
        arrived_at,
        profile,
        block,
    )


def _extensions(profile: int, block: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, value); a value that runs over the end is left out."""
    two_byte = profile & 0xFFF0 == _TWO_BYTE
    if not two_byte and profile != _ONE_BYTE:
        return
    pos, end = 0, len(block)
    while pos < end:
        head = block[pos]
        if head == 0:
            pos += 1
            continue
        if two_byte:
            if pos + 2 > end:
                return
            number, length, pos = head, block[pos + 1], pos + 2
        else:
            number, length, pos = head >> 4, (head & 0x0F) + 1, pos + 1
        if pos + length > end:
            return
        yield number, block[pos : pos + length]
        pos += length


def pack_header(
    payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int, *, extended: bool
) -> bytes:
    """The twelve fixed bytes; `extended` where an extension block follows."""
    return _HEADER.pack(
        0x90 if extended else 0x80, payload_type | (0x80 if marker else 0), sequence, timestamp, ssrc
    )


def pack_abs_send_time(extension_id: int, now: float) -> bytes:
    """An extension block that carries the sending time (6.18 fixed point seconds) and nothing else."""
    stamp = int(now * 262_144) & 0xFFFFFF
    return (0xBEDE0001_02000000 | extension_id << 28 | stamp).to_bytes(8, "big")


def unwrap(value: int, reference: int, bits: int) -> int:
    """The number congruent to `value` that lies nearest to `reference` (which may exceed `bits`)."""
    half = 1 << (bits - 1)
    return reference + ((value - reference + half) & ((1 << bits) - 1)) - half


def to_ntp(unix_seconds: float) -> int:
    """64-bit NTP timestamp."""
    return int((unix_seconds + NTP_EPOCH_OFFSET) * 4_294_967_296)


def from_ntp(ntp: int) -> float:
    """UNIX seconds."""
    return ntp / 4_294_967_296 - NTP_EPOCH_OFFSET


def pack_nacks(own_ssrc: int, media_ssrc: int, lost: list[int], *, most: int = 250) -> list[bytes]:
    """RTCP generic NACKs (RFC 4585, 6.2.1) for `lost`: extended sequence numbers, ascending."""
    entries: list[tuple[int, int]] = []
    for sequence in lost:
        distance = sequence - entries[-1][0] - 1 if entries else 16
        if distance < 16:
            entries[-1] = (entries[-1][0], entries[-1][1] | 1 << distance)
        else:
            entries.append((sequence, 0))
    packets = []
    for pos in range(0, len(entries), most):
        part = entries[pos : pos + most]
        head = pack("!BBHLL", 0x81, 205, 2 + len(part), own_ssrc, media_ssrc)
        packets.append(head + b"".join(pack("!HH", pid & 0xFFFF, mask) for pid, mask in part))
    return packets


def pack_pli(own_ssrc: int, media_ssrc: int) -> bytes:
    """RTCP picture loss indication (RFC 4585, 6.3.1). `media_ssrc` must be the stream's own, not RTX's."""
    return pack("!BBHLL", 0x81, 206, 2, own_ssrc, media_ssrc)


def pack_receiver_report(own_ssrc: int, blocks: list[bytes]) -> bytes:
    """RTCP RR with at most 31 blocks of 24 bytes."""
    return pack("!BBHL", 0x80 | len(blocks), 201, 1 + 6 * len(blocks), own_ssrc) + b"".join(blocks)


def pack_sender_report(ssrc: int, ntp: int, timestamp: int, packets: int, octets: int) -> bytes:
    """RTCP SR without report blocks."""
    return pack("!BBHLQLLL", 0x80, 200, 6, ssrc, ntp, timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)


def pack_remb(own_ssrc: int, bitrate: int, ssrcs: list[int]) -> bytes:
    """RTCP receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb), bit/s."""
    exponent = max(0, bitrate.bit_length() - 18)
    mantissa = bitrate >> exponent
    value = len(ssrcs) << 24 | exponent << 18 | mantissa
    return pack(f"!BBHLL4sL{len(ssrcs)}L", 0x8F, 206, 4 + len(ssrcs), own_ssrc, 0, b"REMB", value, *ssrcs)


def pack_bye(ssrc: int) -> bytes:
    return pack("!BBHL", 0x81, 203, 1, ssrc)
