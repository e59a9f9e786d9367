"""What detectors are given.

Clock: every `at` is in seconds and grows monotonically within one attempt. Live, it is UNIX time on
the server at which the sample was *captured* (arrival corrected by the sender reports where there
are some); offline (`invigil analyze`), it is media time from 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Hz of every AudioChunk."""


class Source(StrEnum):
    CAMERA = "camera"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class VideoSample:
    """One decoded picture."""

    at: float
    image: NDArray[np.uint8]
    """height × width × 3, BGR, contiguous."""
    source: Source = Source.CAMERA
    rtp_timestamp: int | None = None
    """The sender's 32-bit, 90 kHz RTP timestamp, as received; None offline."""

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise ValueError(f"image must be height×width×3 uint8, got {self.image.shape} {self.image.dtype}")

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        return int(self.image.shape[0])


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A run of mono samples at 16 kHz."""

    at: float
    """Time of the first sample."""
    samples: NDArray[np.int16]

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.int16:
            raise ValueError(f"samples must be flat int16, got {self.samples.shape} {self.samples.dtype}")

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE


class SignalKind(StrEnum):
    """What a student's browser reports. `value` is the wire spelling."""

    TAB_HIDDEN = "tab_hidden"
    TAB_VISIBLE = "tab_visible"
    WINDOW_BLUR = "window_blur"
    WINDOW_FOCUS = "window_focus"
    FULLSCREEN_LEFT = "fullscreen_left"
    FULLSCREEN_ENTERED = "fullscreen_entered"
    COPY = "copy"
    CUT = "cut"
    PASTE = "paste"
    DISPLAYS = "displays"
    """detail: {"count": int}"""
    SHORTCUT = "shortcut"
    """detail: {"keys": "ctrl+shift+i"}"""
    DEVTOOLS_OPENED = "devtools_opened"
    DEVTOOLS_CLOSED = "devtools_closed"
    TRACK_MUTED = "track_muted"
    """detail: {"track": "camera" | "microphone" | "screen"}; likewise below."""
    TRACK_UNMUTED = "track_unmuted"
    TRACK_ENDED = "track_ended"
    TRACK_REPLACED = "track_replaced"
    """detail adds {"label": str}"""


@dataclass(frozen=True, slots=True)
class ClientSignal:
    """Something the student's browser said about itself; stamped on arrival by the server's clock."""

    at: float
    kind: SignalKind
    detail: Mapping[str, str | int | float | bool] = field(default_factory=dict)
