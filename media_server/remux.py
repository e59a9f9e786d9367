"""Reading packets out of a container, to put them into another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import av
from av.container import OutputContainer


@dataclass(frozen=True, slots=True)
class TimedPacket:
    at: float
    """Seconds from the file's time 0."""
    is_video: bool
    packet: Any
    """av.Packet"""


class Source:
    """A file of ours, opened for reading. Raises av.FFmpegError where it is not readable at all."""

    def __init__(self, path: Path) -> None:
        self._container = av.open(str(path))
        self.streams: list[Any] = [*self._container.streams.video, *self._container.streams.audio]
        self.video: Any | None = next(iter(self._container.streams.video), None)
        self.sound: Any | None = next(iter(self._container.streams.audio), None)

    def packets(self) -> Iterator[TimedPacket]:
        """In the order of the file, up to its end or to where it is broken."""
        demuxer = self._container.demux(self.streams)
        while True:
            try:
                packet = next(demuxer)
            except (StopIteration, av.FFmpegError):
                return
            if packet.size and packet.pts is not None and not packet.is_corrupt:
                yield TimedPacket(float(packet.pts * packet.time_base), packet.stream.type == "video", packet)

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()


def copy_packets(source: Source, out: OutputContainer, streams: Mapping[int, Any]) -> int:
    """Everything readable, times unchanged; `streams` maps input index to output stream."""
    count = 0
    for timed in source.packets():
        timed.packet.stream = streams[timed.packet.stream.index]
        out.mux(timed.packet)
        count += 1
    return count
