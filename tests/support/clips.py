"""Pictures and sound compressed once, for tests that move them."""

from __future__ import annotations

import fractions
import functools
from dataclasses import dataclass

import av
import numpy as np


@dataclass(frozen=True)
class Clip:
    codec: str
    frames: tuple[bytes, ...]
    """The first one is a keyframe."""
    fps: int
    width: int
    height: int


@functools.cache
def video_clip(
    width: int = 320, height: int = 240, fps: int = 15, frames: int = 45, kbps: int = 300, codec: str = "vp8"
) -> Clip:
    """A moving block over noise; one keyframe at the start (and where the encoder thinks fit)."""
    names = {"vp8": "libvpx", "h264": "libx264"}
    options = {
        "vp8": {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0"},
        "h264": {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "level": "31"},
    }
    encoder = av.CodecContext.create(names[codec], "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = fractions.Fraction(1, fps), fractions.Fraction(fps, 1)
    encoder.bit_rate, encoder.gop_size, encoder.thread_count = kbps * 1000, 10_000, 1
    encoder.options = options[codec]
    noise = np.random.default_rng(7).integers(90, 160, (height, width, 3), dtype=np.uint8)
    out: list[bytes] = []
    for index in range(frames):
        picture = np.roll(noise, index * 2, axis=1)
        left = index * 7 % (width - width // 4)
        picture[height // 4 : height // 2, left : left + width // 4] = 230
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts = index
        out += [bytes(packet) for packet in encoder.encode(frame)]
    return Clip(codec, tuple(out), fps, width, height)


@functools.cache
def opus_packets(milliseconds: int = 20, seconds: float = 3.0) -> tuple[bytes, ...]:
    """A tone, mono, in packets of `milliseconds`."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"
    encoder.options = {"frame_duration": str(milliseconds), "application": "voip"}
    encoder.open()
    size = 48 * milliseconds
    out: list[bytes] = []
    for index in range(int(seconds * 1000 / milliseconds)):
        samples = np.sin(np.arange(index * size, (index + 1) * size) * 0.05) * 8000
        pcm = samples.astype("int16").reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, index * size
        out += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(out)
