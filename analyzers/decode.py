"""From encoded packets to pictures and sound.

Compressed video chains, so every packet is decoded (one thread, under a millisecond at 640x480) but
only pictures that somebody looks at are converted. A stream that breaks is not decoded on: it waits
for a keyframe and says that it wants one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from core.samples import SAMPLE_RATE, AudioChunk, Source, VideoSample

MAX_WIDTH, MAX_HEIGHT = 640, 480
CHUNK_SAMPLES = SAMPLE_RATE // 2
OPUS_RATE = 48_000
"""Hz of Opus's RTP clock."""
_FILL_S = 2.0
"""A silent sender pauses (DTX) for less than this; a longer gap is a break."""
_SLACK = OPUS_RATE // 50
"""The resampler gives its first samples a little late: a few milliseconds are no gap."""
_VIDEO_CODECS = {"vp8": "vp8", "h264": "h264"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded frame that has not been converted yet."""

    frame: av.VideoFrame
    at: float
    rtp_timestamp: int | None = None

    def sample(self, source: Source = Source.CAMERA) -> VideoSample:
        """BGR, at most 640x480, proportions kept."""
        width, height = fitted(self.frame.width, self.frame.height)
        image = self.frame.reformat(width, height, format="bgr24", threads=1).to_ndarray()
        return VideoSample(self.at, np.ascontiguousarray(image), source, self.rtp_timestamp)


class VideoDecoder:
    """One track. `wants_keyframe` is set from the start and whenever the stream breaks."""

    def __init__(self, codec: str) -> None:
        """`codec`: vp8 or h264. Raises ValueError for another."""
        if codec not in _VIDEO_CODECS:
            raise ValueError(f"no decoder for {codec}")
        self.codec = codec
        self.wants_keyframe = True
        self.errors = 0
        self._context: av.VideoCodecContext | None = None

    def decode(
        self, data: bytes, *, keyframe: bool, at: float, rtp_timestamp: int | None = None
    ) -> Picture | None:
        """The picture of this packet; None while a keyframe is awaited or where the data is broken."""
        if keyframe and self.wants_keyframe:
            self._context = self._open()
            self.wants_keyframe = False
        if self.wants_keyframe or self._context is None:
            return None
        try:
            frames = self._context.decode(av.Packet(data))
        except (av.FFmpegError, ValueError):
            self.errors += 1
            self.interrupt()
            return None
        return Picture(frames[-1], at, rtp_timestamp) if frames else None

    def interrupt(self) -> None:
        """The stream broke: nothing can be decoded before the next keyframe."""
        self.wants_keyframe = True
        self._context = None

    def _open(self) -> av.VideoCodecContext:
        context = av.CodecContext.create(_VIDEO_CODECS[self.codec], "r")
        assert isinstance(context, av.VideoCodecContext)
        context.thread_count = 1
        context.flags |= av.codec.context.Flags.low_delay
        return context


class AudioDecoder:
    """Opus packets of one track in, chunks of half a second out.

    What the sender left out because it was quiet (DTX) is filled with silence, by the RTP clock; after
    a longer gap a new chunk begins, so that no chunk spans a break.
    """

    def __init__(self) -> None:
        self.errors = 0
        self._expected_rtp: int | None = None
        self._pending: list[NDArray[np.int16]] = []
        self._count = 0
        self._at = 0.0
        self._open()

    def decode(self, data: bytes, *, at: float, rtp_timestamp: int) -> Sequence[AudioChunk]:
        """`at`: when the packet's first sample was captured."""
        filled = self._fill(rtp_timestamp)
        if filled is None:
            self.interrupt()
        if self._count == 0:
            self._at = at
        elif filled:
            self._append(np.zeros(filled, np.int16))
        samples = self._samples(data)
        duration = len(samples) * (OPUS_RATE // SAMPLE_RATE)
        self._expected_rtp = (rtp_timestamp + duration) % 2**32
        self._append(samples)
        return self._chunks()

    def interrupt(self) -> None:
        """The stream broke: what is pending is forgotten."""
        self._expected_rtp = None
        self._pending.clear()
        self._count = 0
        self._open()

    def _open(self) -> None:
        context = av.CodecContext.create("opus", "r")
        assert isinstance(context, av.AudioCodecContext)
        context.sample_rate = OPUS_RATE
        context.layout = "stereo"
        context.thread_count = 1
        self._context = context
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)

    def _fill(self, rtp_timestamp: int) -> int | None:
        """Samples of silence before this packet; None where the stream broke."""
        if self._expected_rtp is None:
            return 0
        missing = signed_difference(rtp_timestamp, self._expected_rtp)
        if abs(missing) < _SLACK:
            return 0
        if not 0 < missing < _FILL_S * OPUS_RATE:
            return None
        return missing * SAMPLE_RATE // OPUS_RATE

    def _samples(self, data: bytes) -> NDArray[np.int16]:
        try:
            frames = [out for frame in self._context.decode(av.Packet(data)) for out in self._resample(frame)]
        except (av.FFmpegError, ValueError):
            self.errors += 1
            return np.zeros(0, np.int16)
        if not frames:
            return np.zeros(0, np.int16)
        return np.concatenate([frame.to_ndarray().reshape(-1).astype(np.int16) for frame in frames])

    def _resample(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        frame.pts = None
        return self._resampler.resample(frame)

    def _append(self, samples: NDArray[np.int16]) -> None:
        self._pending.append(samples)
        self._count += len(samples)

    def _chunks(self) -> list[AudioChunk]:
        if self._count < CHUNK_SAMPLES:
            return []
        run = np.concatenate(self._pending)
        chunks = []
        while len(run) >= CHUNK_SAMPLES:
            chunks.append(AudioChunk(self._at, run[:CHUNK_SAMPLES]))
            run = run[CHUNK_SAMPLES:]
            self._at += CHUNK_SAMPLES / SAMPLE_RATE
        self._pending, self._count = [run], len(run)
        return chunks


def fitted(width: int, height: int) -> tuple[int, int]:
    """The size at which a picture of this size is looked at: at most 640x480, proportions kept."""
    scale = min(1.0, MAX_WIDTH / width, MAX_HEIGHT / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def signed_difference(one: int, other: int) -> int:
    """How far the RTP timestamp `one` lies after `other`, across the 32-bit wrap."""
    return (one - other + 2**31) % 2**32 - 2**31
