"""Files out of scenes and sounds, through PyAV: what a browser would send, and what it can be fed with."""

from __future__ import annotations

import wave
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.frame import PictureType

from core.samples import SAMPLE_RATE
from simulation.people import Image
from simulation.scenes import FPS
from simulation.speech import Sound

KEYFRAME_EVERY_S = 2.0
OPUS_RATE = 48_000
OPUS_FRAME_MS = 60
LOW_SIZE = (160, 120)
LOW_FPS = 5
SCREEN_SIZE = (1280, 720)
SCREEN_FPS = 5


def encode_camera(main: Path, low: Path, pictures: Iterable[Image], sound: Sound) -> Iterator[int]:
    """What a student's browser sends of one camera and microphone, as two WebM files: VP8 640x480@15 at
    500 kbit/s with Opus of 60 ms, and VP8 160x120@5 at 45 kbit/s.

    Yields the number of pictures done, after each.
    """
    with av.open(str(main), "w", format="webm") as full, av.open(str(low), "w", format="webm") as tiny:
        video = _vp8(full, (640, 480), FPS, 500_000)
        small = _vp8(tiny, LOW_SIZE, LOW_FPS, 45_000)
        audio: Any = full.add_stream("libopus", rate=OPUS_RATE, layout="mono")
        audio.bit_rate = 24_000
        audio.options = {"frame_duration": str(OPUS_FRAME_MS), "application": "voip"}
        voices = list(_opus_frames(sound))
        for n, picture in enumerate(pictures):
            while voices and (voices[0].pts or 0) <= n * OPUS_RATE // FPS:
                full.mux(audio.encode(voices.pop(0)))
            full.mux(video.encode(_frame(picture, n, FPS)))
            if n % (FPS // LOW_FPS) == 0:
                shrunk = np.asarray(cv2.resize(picture, LOW_SIZE, interpolation=cv2.INTER_AREA), np.uint8)
                tiny.mux(small.encode(_frame(shrunk, n // (FPS // LOW_FPS), LOW_FPS)))
            yield n + 1
        for container, stream in ((full, audio), (full, video), (tiny, small)):
            container.mux(stream.encode(None))


def encode_screen(path: Path, pictures: Iterable[Image]) -> None:
    """VP8 1280x720@5 at 400 kbit/s: a shared screen."""
    with av.open(str(path), "w", format="webm") as container:
        stream = _vp8(container, SCREEN_SIZE, SCREEN_FPS, 400_000)
        for n, picture in enumerate(pictures):
            container.mux(stream.encode(_frame(picture, n, SCREEN_FPS)))
        container.mux(stream.encode(None))


def encode_mjpeg(path: Path, pictures: Iterable[Image]) -> Iterator[int]:
    """For Chromium's fake camera, which plays such a file at 30 a second: every picture twice."""
    with path.open("wb") as file:
        for n, picture in enumerate(pictures):
            done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])
            if not done:
                raise OSError(f"{path.name}: picture {n} could not be encoded")
            file.write(jpeg.tobytes() * (30 // FPS))
            yield n + 1


def encode_wav(path: Path, sound: Sound) -> None:
    """48 kHz, 16 bit, mono, for Chromium's fake microphone."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(OPUS_RATE)
        file.writeframes(_at_48k(sound).tobytes())


def write_jpeg(path: Path, picture: Image) -> None:
    done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
    if not done:
        raise OSError(f"{path.name} could not be encoded")
    path.write_bytes(jpeg.tobytes())


def _vp8(container: Any, size: tuple[int, int], fps: int, bit_rate: int) -> Any:
    """A stream as a browser sends it: real time, nothing delayed, no invisible frames."""
    stream = container.add_stream("libvpx", rate=fps)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.bit_rate = bit_rate
    stream.time_base = Fraction(1, fps)
    stream.codec_context.thread_count = 1
    stream.codec_context.gop_size = round(KEYFRAME_EVERY_S * fps)
    stream.options = {
        "deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0",
        "error-resilient": "1", "maxrate": str(bit_rate * 3 // 2), "bufsize": str(bit_rate),
    }  # fmt: skip
    return stream


def _frame(picture: Image, n: int, fps: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
    frame.pts = n
    frame.time_base = Fraction(1, fps)
    if n % round(KEYFRAME_EVERY_S * fps) == 0:
        frame.pict_type = PictureType.I
    return frame


def _opus_frames(sound: Sound) -> Iterator[av.AudioFrame]:
    samples = _at_48k(sound)
    size = OPUS_RATE * OPUS_FRAME_MS // 1000
    for start in range(0, len(samples) - size + 1, size):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + size], format="s16", layout="mono")
        frame.sample_rate = OPUS_RATE
        frame.pts = start
        frame.time_base = Fraction(1, OPUS_RATE)
        yield frame


def _at_48k(sound: Sound) -> Sound:
    positions = np.arange(len(sound) * (OPUS_RATE // SAMPLE_RATE)) / (OPUS_RATE // SAMPLE_RATE)
    return np.asarray(np.interp(positions, np.arange(len(sound)), sound), np.int16)
