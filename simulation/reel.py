"""A clip's packets in memory, and where in the clip a student who plays it is.

Nothing is encoded while playing: packets come from the clip's files and are sent as they are, so that
a machine plays many students at once. One reel is shared by all who play the clip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av

from media_server.codecs import is_keyframe
from media_server.frames import CLOCK_RATE, Codec, TrackRole
from simulation.clips import Clip
from simulation.scenes import Span


@dataclass(frozen=True, slots=True)
class Strip:
    """One track: a packet every `step` seconds."""

    codec: Codec
    step: float
    packets: tuple[bytes, ...]
    latest_keyframe: tuple[int, ...]
    """For each packet: the index of the keyframe its decoding starts from."""

    @property
    def clock_rate(self) -> int:
        return CLOCK_RATE[self.codec]

    def index_at(self, position: float) -> int:
        """The packet of a position in the clip (seconds); a strip shorter than the clip begins again."""
        return int(position / self.step + 1e-6) % len(self.packets)


@dataclass(frozen=True, slots=True)
class Reel:
    """Every track of a clip."""

    clip: Clip
    strips: Mapping[TrackRole, Strip]


@dataclass(frozen=True, slots=True)
class Script:
    """The order in which a clip is played: whole, then its calm beginning `rests` times, and again."""

    seconds: float
    calm_s: float
    rests: int = 0
    offset_s: float = 0.0
    """How far into this the playing starts."""

    @property
    def period(self) -> float:
        return self.seconds + self.rests * self.calm_s

    def position(self, elapsed: float) -> float:
        """Where in the clip one is `elapsed` seconds after the start."""
        within = (elapsed + self.offset_s) % self.period
        return within if within < self.seconds else (within - self.seconds) % self.calm_s

    def times(self, span: Span, until: float) -> list[tuple[float, float]]:
        """(start, end) of each time the span is played in full, seconds after the start of playing."""
        first = span.start - self.offset_s
        rounds = range(int((until + self.offset_s) / self.period) + 1)
        starts = [first + n * self.period for n in rounds]
        return [(start, start + span.end - span.start) for start in starts if 0 <= start < until]


@lru_cache(maxsize=32)
def load(clip: Clip, screen: Path | None = None) -> Reel:
    """Read a clip's packets (2 MB), and those of a screen that is shared beside it (`clips.screen()`)."""
    strips = _strips(clip.video, TrackRole.MAIN) | _strips(clip.low, TrackRole.LOW)
    if screen is not None:
        strips |= _strips(screen, TrackRole.SCREEN)
    return Reel(clip, strips)


def _strips(path: Path, video_role: TrackRole) -> dict[TrackRole, Strip]:
    packets: dict[TrackRole, list[bytes]] = {}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.size:
                role = video_role if packet.stream.type == "video" else TrackRole.AUDIO
                packets.setdefault(role, []).append(bytes(packet))
        rate = container.streams.video[0].average_rate
    if rate is None:
        raise ValueError(f"{path.name} does not say how many frames a second it has")
    steps = {video_role: float(1 / rate), TrackRole.AUDIO: 0.06}
    return {role: _strip(role, steps[role], tuple(found)) for role, found in packets.items()}


def _strip(role: TrackRole, step: float, packets: tuple[bytes, ...]) -> Strip:
    codec: Codec = "vp8" if role.is_video else "opus"
    latest, keyframes = 0, []
    for index, data in enumerate(packets):
        if not role.is_video or is_keyframe(codec, data):
            latest = index
        keyframes.append(latest)
    return Strip(codec, step, packets, tuple(keyframes))
