"""How long an Opus packet lasts (RFC 6716, 3.1), and a packet of silence."""

from __future__ import annotations

SILENCE = b"\xf8\xff\xfe"
"""20 ms of nothing: full band, one frame."""
SILENCE_MS = 20

_SILK_MS = (10.0, 20.0, 40.0, 60.0)
_HYBRID_MS = (10.0, 20.0)
_CELT_MS = (2.5, 5.0, 10.0, 20.0)


def duration_ms(packet: bytes) -> float:
    """0 for what is not an Opus packet."""
    if not packet:
        return 0.0
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame = _SILK_MS[config & 3]
    elif config < 16:
        frame = _HYBRID_MS[config & 1]
    else:
        frame = _CELT_MS[config & 3]
    return frame * _frames(packet, code)


def _frames(packet: bytes, code: int) -> int:
    if code == 3:
        return packet[1] & 0x3F if len(packet) > 1 else 0
    return 1 if code == 0 else 2
