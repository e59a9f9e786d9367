"""Writes the annotated video of a file: pictures with everything drawn in, and the sound."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import av
import cv2
import numpy as np

from analyzers.annotate import Image
from analyzers.decode import fitted
from core.errors import ProctorError

_CODECS = {".webm": ("libvpx", "libopus"), ".mp4": ("libx264", "aac")}
_OPTIONS: dict[str, dict[str, object]] = {
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libx264": {"preset": "veryfast"},
}
_RATE = 48_000
_MILLISECONDS = Fraction(1, 1000)


class CannotRender(ProctorError):
    id: ClassVar[str] = "cannot-render"
    status: ClassVar[int] = 422
    sentence: ClassVar[str] = "The annotated video cannot be written to {path}: {reason}"


class Renderer:
    """One output file, .webm or .mp4. Times are media time from 0. Raises CannotRender."""

    def __init__(self, path: Path, source: av.container.InputContainer) -> None:
        if path.suffix not in _CODECS:
            raise CannotRender(path=path, reason="its name must end with .webm or .mp4.")
        video, audio = _CODECS[path.suffix]
        try:
            path.open("wb").close()  # what stands against it comes out now, not with the first picture
            self._container = av.open(str(path), "w")
        except OSError as error:
            raise CannotRender(path=path, reason=f"{error.strerror}.") from error
        self._path = path
        self._failed = False
        self._size = (0, 0)
        self._video: av.VideoStream | None = None
        self._audio: av.AudioStream | None = None
        if source.streams.video:
            self._video = self._add_video(video, source.streams.video[0])
        if source.streams.audio:
            stream = self._container.add_stream(audio, rate=_RATE, layout="mono")
            assert isinstance(stream, av.AudioStream)
            self._audio = stream
            self._resampler = av.AudioResampler(stream.codec_context.format, "mono", _RATE)

    def show(self, image: Image, at: float) -> None:
        if self._video is None:
            return
        if (image.shape[1], image.shape[0]) != self._size:
            image = cv2.resize(image, self._size).astype(np.uint8)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
        frame.pts, frame.time_base = round(at * 1000), _MILLISECONDS
        self._write(self._video.encode(frame))

    def hear(self, frame: av.AudioFrame) -> None:
        if self._audio is None:
            return
        for part in self._resampler.resample(frame):
            self._write(self._audio.encode(part))

    def close(self) -> None:
        """Finish the file; may be called once, also after a failure."""
        if self._failed:
            with contextlib.suppress(OSError):
                self._container.close()
            return
        for stream in (self._video, self._audio):
            if stream is not None:
                self._write(stream.encode(None))
        self._container.close()

    def _write(self, packets: Sequence[av.Packet[Any]]) -> None:
        try:
            self._container.mux(packets)
        except OSError as error:
            self._failed = True
            raise CannotRender(path=self._path, reason=f"{error.strerror}.") from error

    def _add_video(self, codec: str, source: av.VideoStream) -> av.VideoStream:
        width, height = fitted(source.codec_context.width, source.codec_context.height)
        self._size = (width + width % 2, height + height % 2)
        stream = self._container.add_stream(codec, rate=source.average_rate or 15)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 1_200_000
        stream.options = _OPTIONS[codec]
        stream.codec_context.time_base = _MILLISECONDS
        stream.codec_context.thread_count = 1
        return stream
