"""VP8, H.264 and Opus in RTP: taking payloads apart, putting frames into payloads, reading headers.

VP8 after RFC 7741, H.264 after RFC 6184 (packetization mode 1), Opus after RFC 7587.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from media_server import h264
from media_server.frames import Codec, EncodedFrame

MAX_PAYLOAD = 1_150
"""Bytes of a frame in one packet: leaves room for RTP, RTX, SRTP, UDP and a tunnel within 1280."""


class Fragment(NamedTuple):
    """What one packet carries of a frame. A tuple, as one is made for every packet."""

    data: bytes
    starts_frame: bool
    """The frame begins here, as far as the payload tells."""
    starts_keyframe: bool


EMPTY = Fragment(b"", starts_frame=False, starts_keyframe=False)


def depacketize(codec: Codec, payload: bytes) -> Fragment:
    """Raises ValueError where the payload is not what the codec's RFC allows."""
    if not payload:
        return EMPTY
    if codec == "vp8":
        return _vp8_fragment(payload)
    if codec == "h264":
        data, starts_frame, starts_keyframe = h264.depacketize(payload)
        return Fragment(data, starts_frame, starts_keyframe)
    return Fragment(payload, starts_frame=True, starts_keyframe=True)


def _vp8_fragment(payload: bytes) -> Fragment:
    first = payload[0]
    offset = 1
    if first & 0x80:
        if len(payload) < 2:
            raise ValueError("VP8 descriptor is truncated")
        extended = payload[1]
        offset = 2
        if extended & 0x80:
            if len(payload) < 3:
                raise ValueError("VP8 picture id is truncated")
            offset += 2 if payload[2] & 0x80 else 1
        if extended & 0x40:
            offset += 1
        if extended & 0x30:
            offset += 1
    if offset >= len(payload):
        raise ValueError("VP8 payload is truncated")
    starts = first & 0x17 == 0x10
    return Fragment(payload[offset:], starts, starts and not payload[offset] & 1)


def is_keyframe(codec: Codec, data: bytes) -> bool:
    """Whether decoding can start at this frame; every Opus packet qualifies."""
    if codec == "vp8":
        return bool(data) and not data[0] & 1
    if codec == "h264":
        return h264.has_idr(data)
    return True


def picture_size(codec: Codec, keyframe: bytes) -> tuple[int, int] | None:
    """(width, height) as a keyframe's header states it; None where it does not."""
    if codec == "vp8":
        if len(keyframe) < 10 or keyframe[3:6] != b"\x9d\x01\x2a":
            return None
        return (
            int.from_bytes(keyframe[6:8], "little") & 0x3FFF,
            int.from_bytes(keyframe[8:10], "little") & 0x3FFF,
        )
    return h264.picture_size(keyframe) if codec == "h264" else None


@lru_cache(maxsize=256)
def packetize(frame: EncodedFrame) -> tuple[bytes, ...]:
    """The frame cut for RTP, VP8 without its payload descriptor (see `vp8_descriptor`).

    Cached by the frame's identity: however many watchers, a frame is cut once, and its pieces are
    shared by their retransmission histories.
    """
    if frame.codec == "h264":
        return tuple(h264.packetize(frame.data, MAX_PAYLOAD))
    if frame.codec == "vp8":
        count = -(-len(frame.data) // MAX_PAYLOAD)
        size = -(-len(frame.data) // count) if count else 1
        return tuple(frame.data[pos : pos + size] for pos in range(0, len(frame.data), size))
    return (frame.data,)


def vp8_descriptor(picture_id: int, *, start: bool) -> bytes:
    """Four bytes with a 15-bit picture id, which must be contiguous for each receiver."""
    return (0x80808000 | start << 28 | picture_id & 0x7FFF).to_bytes(4, "big")
