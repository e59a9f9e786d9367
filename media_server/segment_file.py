"""One file of a recording: a container with remuxed packets, whole on disk or not there at all.

A file is written as `<name>.part` and gets its name only when it is complete and fsynced. What is left
with `.part` behind a crash is salvaged (`media_server.salvage`). VP8 goes into WebM, H.264 into Matroska.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, cast

import av
from av.container import OutputContainer

from media_server.frames import EncodedFrame

RecordedTrack = Literal["main", "screen"]
PART = ".part"
MILLISECONDS = Fraction(1, 1000)
"""Matroska's clock."""
_OPTIONS = {"cluster_time_limit": "1000", "max_interleave_delta": "1000000", "flush_packets": "1"}
"""A second at most is kept in memory (a cluster, or a picture that waits for sound): what a killed
process loses of an open file."""
_NAME = re.compile(r"(main|screen)-(\d{6})-(\d{13})\.(webm|mkv)")


@dataclass(frozen=True, slots=True)
class SegmentName:
    """What a file is, readable from its name alone: the index can be rebuilt from a directory."""

    track: RecordedTrack
    index: int
    started_ms: int
    suffix: str

    def __str__(self) -> str:
        return f"{self.track}-{self.index:06d}-{self.started_ms:013d}.{self.suffix}"

    @property
    def started_at(self) -> float:
        return self.started_ms / 1000

    @classmethod
    def parse(cls, name: str) -> SegmentName | None:
        """None for the name of another file; `.part` is overlooked."""
        match = _NAME.fullmatch(name.removesuffix(PART))
        if match is None:
            return None
        track, index, started_ms, suffix = match.groups()
        return cls(cast(RecordedTrack, track), int(index), int(started_ms), suffix)


@dataclass(frozen=True, slots=True)
class VideoFormat:
    codec: str
    width: int
    height: int

    @property
    def suffix(self) -> str:
        return "webm" if self.codec == "vp8" else "mkv"


SOUND_ONLY = VideoFormat("opus", 0, 0)
"""Of a segment without a picture: the camera was off, the microphone was not."""


def open_container(path: Path, suffix: str, options: dict[str, str]) -> OutputContainer:
    """Raises OSError."""
    format = {"webm": "webm", "mkv": "matroska", "mp4": "mp4"}[suffix]
    return av.open(str(path), "w", format=format, container_options=options)


def add_sound(container: OutputContainer) -> Any:
    """An Opus stream; its encoder only supplies the header and never encodes."""
    stream = container.add_stream("libopus", rate=48_000)
    stream.time_base = MILLISECONDS
    return stream


def settle(part: Path, final: Path) -> int:
    """Make `part` durable under its final name; its size in bytes. Raises OSError."""
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
        size = os.fstat(stream.fileno()).st_size
    part.rename(final)
    directory = os.open(final.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return size


class SegmentWriter:
    """Writes one segment. Time 0 in the file is `name.started_at`. Every method may raise OSError."""

    def __init__(self, directory: Path, name: SegmentName, format: VideoFormat, *, sound: bool) -> None:
        self.name = name
        self.format = format
        self._final = directory / str(name)
        self._part = directory / (str(name) + PART)
        self._container = open_container(self._part, name.suffix, _OPTIONS)
        self._video: Any = None
        self._sound: Any = None
        if format is not SOUND_ONLY:
            self._video = self._container.add_mux_stream(
                format.codec, width=format.width, height=format.height, time_base=MILLISECONDS
            )
        if sound:
            self._sound = add_sound(self._container)
        self._last_ms = {"video": -1, "sound": -1}

    def write(self, frame: EncodedFrame) -> None:
        """A frame that belongs before the segment's start, or to no stream of it, is left out."""
        kind, stream = ("video", self._video) if frame.track.is_video else ("sound", self._sound)
        at = round(frame.captured_at * 1000) - self.name.started_ms
        if stream is None or at < 0:
            return
        # Matroska wants time to grow; capture times may stand still while a clock is corrected.
        at = max(at, self._last_ms[kind] + 1)
        self._last_ms[kind] = at
        packet = av.Packet(frame.data)
        packet.stream = stream
        packet.time_base = MILLISECONDS
        packet.pts = packet.dts = at
        packet.is_keyframe = frame.keyframe
        self._container.mux(packet)

    def commit(self) -> int:
        """Finish the file and give it its name; its size in bytes."""
        self._container.close()
        return settle(self._part, self._final)

    def abandon(self) -> None:
        """Let go of the file as it is; what is on disk stays as `.part` to be salvaged."""
        try:
            self._container.close()
        except (OSError, av.FFmpegError):
            return
