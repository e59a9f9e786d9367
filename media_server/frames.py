"""What travels through the media plane: compressed frames, never pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

Codec: TypeAlias = Literal["vp8", "h264", "opus"]

CLOCK_RATE: dict[Codec, int] = {"vp8": 90_000, "h264": 90_000, "opus": 48_000}
"""RTP ticks a second."""


class TrackRole(StrEnum):
    """What a student's track is for. The value is the wire spelling."""

    MAIN = "main"
    """The camera at full size."""
    LOW = "low"
    """The same camera, tiny, for the wall."""
    SCREEN = "screen"
    AUDIO = "audio"
    ANNOTATED = "annotated"
    """The camera with the annotations drawn in; comes from the analysis process, not from the student."""

    @property
    def is_video(self) -> bool:
        return self is not TrackRole.AUDIO


# Compared and hashed by identity: the same object goes to every subscriber, so what is derived from
# it (the RTP payloads) is computed once.
@dataclass(frozen=True, slots=True, eq=False)
class EncodedFrame:
    """One compressed frame (or Opus packet), whole, in decoding order."""

    track: TrackRole
    codec: Codec
    data: bytes
    """VP8 frame, H.264 access unit with Annex B start codes, or Opus packet."""
    rtp_timestamp: int
    """32 bits, as the sender chose it."""
    captured_at: float
    """Server UNIX seconds of capture; never goes back within a track. From the sender reports where
    there are some (comparable between a student's tracks to well under 80 ms), else from arrival."""
    keyframe: bool
    width: int | None = None
    """Picture size, known on keyframes only."""
    height: int | None = None
    epoch: int = 0
    """Changes when the RTP clock starts anew: another connection, another stream."""


FrameCallback: TypeAlias = Callable[[EncodedFrame], None]
"""Called on the event loop; must not block and must not raise."""
