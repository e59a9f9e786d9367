"""Packets in any order in, whole frames in decoding order out.

A frame leaves as soon as its last packet is there. A hole holds back what follows until it is filled
or until a whole keyframe stands behind it, at which decoding can start afresh. Nothing is ever
passed on that could not be decoded.
"""

from __future__ import annotations

from dataclasses import dataclass

from media_server.codecs import Fragment

MAX_PACKETS = 1_024
"""Held at most; about ten seconds of the main track."""


@dataclass(frozen=True, slots=True)
class AssembledFrame:
    data: bytes
    timestamp: int
    keyframe: bool
    arrived_at: float
    """When its first packet came, by the clock given to `add`."""


@dataclass(slots=True)
class _Held:
    timestamp: int
    marker: bool
    fragment: Fragment
    arrived_at: float


class FrameAssembler:
    """Video of one stream. Sequence numbers are extended (never wrap)."""

    def __init__(self) -> None:
        self._held: dict[int, _Held] = {}
        self._start: int | None = None
        """First packet of the next frame; None until there is a keyframe to start from."""
        self._scan = 0
        """First packet not looked at yet."""
        self._highest = -1
        self._keyframe_starts: list[int] = []
        self._need_keyframe = True
        self.blocked_since: float | None = None
        """Since when nothing could leave although packets are waiting; None while all is well."""
        self.dropped = 0
        """Frames not passed on."""

    @property
    def needs_keyframe(self) -> bool:
        """Nothing can leave before a keyframe comes."""
        return self._need_keyframe

    @property
    def oldest_wanted(self) -> int | None:
        """Packets before this one are of no use any more."""
        return self._start

    def add(
        self, sequence: int, timestamp: int, marker: bool, fragment: Fragment, now: float
    ) -> list[AssembledFrame]:
        """Frames this packet completes, oldest first."""
        if sequence in self._held or (self._start is not None and sequence < self._scan):
            return []
        self._held[sequence] = _Held(timestamp, marker, fragment, now)
        self._highest = max(self._highest, sequence)
        if fragment.starts_keyframe and (self._start is None or sequence > self._scan):
            self._keyframe_starts.append(sequence)
        frames = self._drain() if self._start is not None and sequence == self._scan else []
        if not frames and self._keyframe_starts and self._jump():
            frames = self._drain()
        self._bound()
        self._note_block(now, progressed=bool(frames))
        return frames

    def _drain(self) -> list[AssembledFrame]:
        """Everything that is whole from the start on."""
        frames: list[AssembledFrame] = []
        held, start, scan = self._held, self._start, self._scan
        assert start is not None
        while (packet := held.get(scan)) is not None:
            if scan != start and packet.timestamp != held[start].timestamp:
                frames += self._take(start, scan)
                start = scan
            scan += 1
            if packet.marker or (scan == start + 1 and not packet.fragment.data):
                frames += self._take(start, scan)
                start = scan
        self._start, self._scan = start, scan
        if self._keyframe_starts:
            self._keyframe_starts = [seq for seq in self._keyframe_starts if seq > scan]
        return frames

    def _take(self, start: int, end: int) -> list[AssembledFrame]:
        """The frame in packets [start, end), removed; empty for padding and what cannot be decoded."""
        packets = [self._held.pop(seq) for seq in range(start, end)]
        first = packets[0]
        data = (
            first.fragment.data if len(packets) == 1 else b"".join(packet.fragment.data for packet in packets)
        )
        if not data:
            return []
        keyframe = any(packet.fragment.starts_keyframe for packet in packets)
        if keyframe:
            self._need_keyframe = False
        elif self._need_keyframe or not first.fragment.starts_frame:
            self._need_keyframe = True
            self.dropped += 1
            return []
        return [AssembledFrame(data, first.timestamp, keyframe, first.arrived_at)]

    def _jump(self) -> bool:
        """Move the start to the newest whole keyframe behind the hole, where there is one."""
        for start in sorted(self._keyframe_starts, reverse=True):
            if self._is_whole(start):
                self._abandon_below(start)
                self._start = self._scan = start
                return True
        return False

    def _is_whole(self, start: int) -> bool:
        timestamp = self._held[start].timestamp
        sequence = start
        while (packet := self._held.get(sequence)) is not None:
            if packet.timestamp != timestamp:
                return True
            if packet.marker:
                return True
            sequence += 1
        return False

    def _abandon_below(self, sequence: int) -> None:
        lost = [seq for seq in self._held if seq < sequence]
        self.dropped += len({self._held.pop(seq).timestamp for seq in lost})
        self._keyframe_starts = [seq for seq in self._keyframe_starts if seq >= sequence]

    def _bound(self) -> None:
        if len(self._held) > MAX_PACKETS or (
            self._start is not None and self._highest - self._start > MAX_PACKETS
        ):
            self._abandon_below(self._highest - MAX_PACKETS // 2)
            self._start = None
            self._need_keyframe = True

    def _note_block(self, now: float, *, progressed: bool) -> None:
        if not self._need_keyframe and self._highest <= self._scan:
            self.blocked_since = None
        elif self.blocked_since is None or progressed:
            self.blocked_since = now
