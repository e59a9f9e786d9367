"""Any media file as a student's camera and microphone: 640x480 at 15 a second, 16 kHz mono."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import av
import cv2
import numpy as np
from av.audio.resampler import AudioResampler

from core.errors import ProctorError
from core.samples import SAMPLE_RATE
from simulation.people import HEIGHT, WIDTH, Image
from simulation.scenes import FPS
from simulation.speech import Sound, mixed, room_tone

LONGEST_S = 600.0
"""More of a file than this is not played: a reel lies in memory whole."""


class UnplayableFile(ProctorError):
    id: ClassVar[str] = "unplayable-file"
    status: ClassVar[int] = 422
    sentence: ClassVar[str] = "{path} cannot be played by a simulated student: {reason}"


def length_of(path: Path) -> float:
    """Seconds of it that are played. Raises UnplayableFile."""
    try:
        with av.open(str(path)) as container:
            return min(LONGEST_S, container.duration / 1e6 if container.duration else LONGEST_S)
    except (av.FFmpegError, OSError) as error:
        raise UnplayableFile(path=path.name, reason=f"{error.strerror}.") from error


def pictures_of(path: Path) -> Iterator[Image]:
    """The film in the file. Raises UnplayableFile, at the first picture at the latest."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise UnplayableFile(path=path.name, reason="it holds no pictures.")
            yield from _at_our_rate(container)
    except (av.FFmpegError, OSError) as error:
        raise UnplayableFile(path=path.name, reason=f"{error.strerror}.") from error


def _at_our_rate(container: av.container.InputContainer) -> Iterator[Image]:
    """Each picture as often as it takes, or left out."""
    shown = 0
    for frame in container.decode(video=0):
        until = (frame.time or 0.0) - (float(container.start_time or 0) / 1e6)
        if until > LONGEST_S:
            return
        if until * FPS < shown - 0.5:
            continue
        picture = _fitted(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))
        while shown <= until * FPS + 0.5:
            yield picture.copy()
            shown += 1


def _fitted(picture: Image) -> Image:
    """Whole, with black beside it where its shape is another."""
    height, width = picture.shape[:2]
    scale = min(WIDTH / width, HEIGHT / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    left, top = (WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = small
    return canvas


def sound_of(path: Path, seconds: float) -> Sound:
    """What is to be heard, over a quiet room; the quiet room alone where the file is silent."""
    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    parts: list[Sound] = []
    try:
        with av.open(str(path)) as container:
            if container.streams.audio:
                for frame in container.decode(audio=0):
                    parts += [np.asarray(one.to_ndarray()[0], np.int16) for one in resampler.resample(frame)]
                    if sum(map(len, parts)) > seconds * SAMPLE_RATE:
                        break
    except (av.FFmpegError, OSError) as error:
        raise UnplayableFile(path=path.name, reason=f"{error.strerror}.") from error
    bed = room_tone(seconds)
    return mixed(bed, (0.0, np.concatenate(parts))) if parts else bed
