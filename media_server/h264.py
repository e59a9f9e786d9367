"""H.264: RTP payloads (RFC 6184, packetization mode 1), Annex B, and the size in an SPS."""

from __future__ import annotations

from collections.abc import Iterator

START_CODE = b"\0\0\0\1"
_IDR, _SPS, _STAP_A, _FU_A = 5, 7, 24, 28


def depacketize(payload: bytes) -> tuple[bytes, bool, bool]:
    """(Annex B bytes, a NAL unit begins here, a keyframe begins here).

    A keyframe is taken to begin at its SPS: browsers' encoders repeat it before every IDR picture.
    """
    kind = payload[0] & 0x1F
    if 1 <= kind <= 23:
        return START_CODE + payload, True, kind == _SPS
    if kind == _FU_A:
        if len(payload) < 3:
            raise ValueError("FU-A is too short")
        header = payload[1]
        if not header & 0x80:
            return payload[2:], False, False
        nal_type = header & 0x1F
        return START_CODE + bytes([payload[0] & 0xE0 | nal_type]) + payload[2:], True, nal_type == _SPS
    if kind == _STAP_A:
        units = list(_aggregated(payload))
        return b"".join(START_CODE + unit for unit in units), True, any(u[0] & 0x1F == _SPS for u in units)
    raise ValueError(f"NAL unit type {kind} is not supported")


def _aggregated(payload: bytes) -> Iterator[bytes]:
    pos = 1
    while pos + 2 < len(payload):
        size = int.from_bytes(payload[pos : pos + 2], "big")
        pos += 2
        if not size or pos + size > len(payload):
            raise ValueError("STAP-A is truncated")
        yield payload[pos : pos + size]
        pos += size


def nal_units(annex_b: bytes) -> Iterator[bytes]:
    """NAL units without start codes."""
    start = annex_b.find(b"\0\0\1")
    while start != -1:
        start += 3
        following = annex_b.find(b"\0\0\1", start)
        unit = annex_b[start:] if following == -1 else annex_b[start:following].rstrip(b"\0")
        if unit:
            yield unit
        start = following


def has_idr(annex_b: bytes) -> bool:
    return any(unit[0] & 0x1F == _IDR for unit in nal_units(annex_b))


def packetize(annex_b: bytes, limit: int) -> Iterator[bytes]:
    """One payload for each NAL unit that fits `limit` bytes, FU-A fragments for those that do not."""
    for unit in nal_units(annex_b):
        if len(unit) <= limit:
            yield unit
            continue
        indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F
        last = len(unit) - 1
        for pos in range(1, len(unit), limit - 2):
            piece = unit[pos : pos + limit - 2]
            begins, ends = pos == 1, pos + len(piece) > last
            yield bytes([indicator, begins << 7 | ends << 6 | kind]) + piece


class _Bits:
    """Reads an RBSP bit by bit; past the end it reads zeros' error as ValueError."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("SPS is truncated")
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def unsigned(self) -> int:
        """Exp-Golomb, ue(v)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 31:
                raise ValueError("SPS holds an endless Exp-Golomb number")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """Exp-Golomb, se(v)."""
        value = self.unsigned()
        return (value + 1) // 2 if value % 2 else -(value // 2)


_HIGH_PROFILES = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 138, 139, 134, 135, 244})


def picture_size(annex_b: bytes) -> tuple[int, int] | None:
    """(width, height) after cropping, from the first SPS; None where there is none or it is broken."""
    for unit in nal_units(annex_b):
        if unit[0] & 0x1F == _SPS:
            try:
                return _size_from_sps(unit[1:].replace(b"\0\0\3", b"\0\0"))
            except ValueError:
                return None
    return None


def _size_from_sps(sps: bytes) -> tuple[int, int]:
    """ITU-T H.264, 7.3.2.1.1."""
    bits = _Bits(sps)
    profile = bits.take(8)
    bits.take(16)
    bits.unsigned()
    chroma = _skip_high_profile(bits) if profile in _HIGH_PROFILES else 1
    bits.unsigned()  # log2_max_frame_num
    order_type = bits.unsigned()
    if order_type == 0:
        bits.unsigned()
    elif order_type == 1:
        bits.take(1)
        bits.signed()
        bits.signed()
        for _ in range(bits.unsigned()):
            bits.signed()
    bits.unsigned()  # max_num_ref_frames
    bits.take(1)
    width_mbs, height_units = bits.unsigned() + 1, bits.unsigned() + 1
    fields = 2 - bits.take(1)
    if fields == 2:
        bits.take(1)
    bits.take(1)  # direct_8x8_inference
    left = right = top = bottom = 0
    if bits.take(1):
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
    crop_x = 2 if chroma in (1, 2) else 1
    crop_y = (2 if chroma == 1 else 1) * fields
    return width_mbs * 16 - (left + right) * crop_x, height_units * fields * 16 - (top + bottom) * crop_y


def _skip_high_profile(bits: _Bits) -> int:
    """Reads past the fields only high profiles have; chroma_format_idc."""
    chroma = bits.unsigned()
    if chroma == 3:
        bits.take(1)
    bits.unsigned()
    bits.unsigned()
    bits.take(1)
    if bits.take(1):
        for index in range(8 if chroma != 3 else 12):
            if bits.take(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last
