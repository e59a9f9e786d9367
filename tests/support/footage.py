"""Compressed frames on a virtual clock, and what came out of them on the other side."""

from __future__ import annotations

import fractions
import functools
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np

from media_server.codecs import is_keyframe, picture_size
from media_server.fanout import TrackFanout, Unsubscribe
from media_server.frames import CLOCK_RATE, EncodedFrame, FrameCallback, TrackRole
from tests.support.clips import Clip, opus_packets, video_clip

T0 = 1_800_000_000.0
"""Where the virtual clock starts: UNIX seconds."""
FLASH_EVERY_S = 2.0


def video(
    seconds: float, clip: Clip | None = None, *, at: float = T0, epoch: int = 0,
    role: TrackRole = TrackRole.MAIN,
) -> list[EncodedFrame]:  # fmt: skip
    """`clip` over and over, which begins with a keyframe each time."""
    clip = clip or video_clip(frames=15)
    frames = []
    for number in range(round(seconds * clip.fps)):
        data = clip.frames[number % len(clip.frames)]
        keyframe = is_keyframe(clip.codec, data)
        size = picture_size(clip.codec, data) if keyframe else None
        frames.append(
            EncodedFrame(
                role, clip.codec, data, number * CLOCK_RATE["vp8"] // clip.fps, at + number / clip.fps,
                keyframe, *(size or (None, None)), epoch=epoch,
            )
        )  # fmt: skip
    return frames


def sound(
    seconds: float, packets: tuple[bytes, ...] | None = None, *, at: float = T0, milliseconds: int = 60
) -> list[EncodedFrame]:
    packets = packets or opus_packets(milliseconds)
    step = milliseconds / 1000
    return [
        EncodedFrame(
            TrackRole.AUDIO, "opus", packets[number % len(packets)], number * 48 * milliseconds,
            at + number * step, keyframe=True,
        )
        for number in range(int(seconds / step))
    ]  # fmt: skip


def together(*tracks: list[EncodedFrame]) -> list[EncodedFrame]:
    return sorted((frame for track in tracks for frame in track), key=lambda frame: frame.captured_at)


def without(frames: list[EncodedFrame], start: float, end: float) -> list[EncodedFrame]:
    """The network was away from `start` to `end` (seconds after T0)."""
    return [frame for frame in frames if not start <= frame.captured_at - T0 < end]


def later(frames: list[EncodedFrame], seconds: float) -> list[EncodedFrame]:
    return [replace(frame, captured_at=frame.captured_at + seconds) for frame in frames]


class HandFeed:
    """A feed whose frames the test pushes, and that counts the keyframes asked for."""

    def __init__(self) -> None:
        self.fanouts: dict[TrackRole, TrackFanout] = {}
        self.asked: list[TrackRole] = []

    def _fanout(self, role: TrackRole) -> TrackFanout:
        return self.fanouts.setdefault(role, TrackFanout(lambda: self.asked.append(role)))

    def subscribe(self, role: TrackRole, callback: FrameCallback) -> Unsubscribe:
        return self._fanout(role).subscribe(callback)

    def request_keyframe(self, role: TrackRole) -> None:
        self._fanout(role).request_keyframe()

    def push(self, *frames: EncodedFrame) -> None:
        for frame in frames:
            self._fanout(frame.track).push(frame)


@functools.cache
def flashes(fps: int = 15, keyframe_every: int = 10_000) -> Clip:
    """Two seconds of black; white for a tenth of a second from 1.0 s on. A keyframe at the start."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 160, 120, "yuv420p"
    encoder.time_base, encoder.framerate = fractions.Fraction(1, fps), fractions.Fraction(fps, 1)
    encoder.bit_rate, encoder.gop_size, encoder.thread_count = 200_000, keyframe_every, 1
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0"}
    out: list[bytes] = []
    for index in range(int(FLASH_EVERY_S * fps)):
        bright = fps <= index < fps * 1.1
        picture = np.full((120, 160, 3), 255 if bright else 0, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts = index
        out += [bytes(packet) for packet in encoder.encode(frame)]
    return Clip("vp8", tuple(out), fps, 160, 120)


@functools.cache
def beeps(milliseconds: int = 20) -> tuple[bytes, ...]:
    """Two seconds of silence; a tone for a tenth of a second from 1.0 s on."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"
    encoder.options = {"frame_duration": str(milliseconds), "application": "lowdelay"}
    time = np.arange(int(48_000 * FLASH_EVERY_S)) / 48_000
    tone = np.where((time >= 1.0) & (time < 1.1), np.sin(time * 2 * np.pi * 1000) * 20_000, 0)
    size = 48 * milliseconds
    out: list[bytes] = []
    for begin in range(0, len(tone), size):
        pcm = tone[begin : begin + size].astype("int16").reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, begin
        out += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(out)


def decoded(path: Path) -> tuple[list[Any], list[Any]]:
    """(pictures, sound frames) of a file, with their times."""
    with av.open(str(path)) as container:
        frames = list(container.decode())
    return (
        [frame for frame in frames if isinstance(frame, av.VideoFrame)],
        [frame for frame in frames if isinstance(frame, av.AudioFrame)],
    )


def flash_times(path: Path) -> list[float]:
    """When the picture turned white."""
    pictures, _ = decoded(path)
    bright = [(picture.time, picture.to_ndarray(format="gray").mean() > 128) for picture in pictures]
    return [at for (_, before), (at, now) in pairwise(bright) if now and not before]


def beep_times(path: Path) -> list[float]:
    """When the tone began, to 5 ms."""
    _, chunks = decoded(path)
    loud: list[float] = []
    for chunk in chunks:
        samples = np.abs(chunk.to_ndarray()).max(axis=0)
        if samples.dtype.kind == "i":
            samples = samples / 32_768
        hit = np.flatnonzero(samples > 0.1)
        if hit.size:
            loud.append(chunk.time + hit[0] / chunk.sample_rate)
    return [at for index, at in enumerate(loud) if index == 0 or at - loud[index - 1] > 0.5]


def largest_hole(path: Path) -> float:
    """Seconds without sound between two packets of it."""
    _, chunks = decoded(path)
    ends = [chunk.time + chunk.samples / chunk.sample_rate for chunk in chunks]
    return max((nxt.time - end for end, nxt in zip(ends, chunks[1:], strict=False)), default=0.0)
