"""An attempt's recording as the writer thread sees it: batches of frames in, facts out. Synchronous.

Where the disk fails or runs full, the open segment is finished if it can be, the alarm is raised once, and
frames are let go of until there is room again; then it goes on with the next number, and the distance
between the two segments is the gap on the record.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import av

from media_server.frames import EncodedFrame, TrackRole
from media_server.interleave import Interleaver
from media_server.salvage import DISK_FULL, FoundSegment, salvage
from media_server.segmenter import GAP_ON_RECORD_S, Segmenter
from transport.messages import RecordingProblem, SegmentWritten, StartRecording

log = logging.getLogger(__name__)

ProblemReason = Literal["disk_full", "disk_error"]
_LOOK_S = 1.0
"""Between two looks at the free space."""
_RETRY_S = 5.0
_ROOM_TO_RESUME_MB = 16
"""More than the least, so that a disk at its limit does not stop and start the recording all the time."""


@dataclass(frozen=True, slots=True)
class RecordingOptions:
    segment_s: float = 10.0
    min_free_mb: int = 500
    """Below this nothing is written."""


@dataclass(slots=True)
class Outcome:
    """What a batch led to."""

    messages: list[SegmentWritten | RecordingProblem] = field(default_factory=list)
    keyframes_wanted: list[TrackRole] = field(default_factory=list)


@dataclass(slots=True)
class _Line:
    """One recorded track on its way to disk."""

    role: TrackRole
    segmenter: Segmenter
    interleaver: Interleaver = field(default_factory=Interleaver)
    alive: bool = False
    """A frame has come: there is somebody to ask for keyframes."""


class AttemptRecording:
    """Not thread-safe: one call at a time, from any thread."""

    def __init__(self, order: StartRecording, options: RecordingOptions) -> None:
        self._attempt_id = order.attempt_id
        self._directory = Path(order.directory)
        self._options = options
        self._first_index = order.first_index
        self._last_ended_at = order.last_ended_at
        self._lines: dict[TrackRole, _Line] = {}
        self._opened = False
        self._suspended = False
        self._look_at = 0.0
        self._outcome = Outcome()

    def write(self, frames: Sequence[EncodedFrame], now: float) -> Outcome:
        """Never raises for what the disk does."""
        if self._usable(now):
            try:
                self._write(frames, now)
            except (OSError, av.FFmpegError) as error:
                self._fail(error, now)
        return self._take()

    def close(self) -> Outcome:
        """Finish what is open."""
        if self._opened and not self._suspended:
            try:
                for line in self._lines.values():
                    for frame in line.interleaver.flush():
                        line.segmenter.write(frame)
                    line.segmenter.close()
            except (OSError, av.FFmpegError) as error:
                self._fail(error, 0.0)
        self._collect()
        return self._take()

    # The disk.

    def _usable(self, now: float) -> bool:
        if now < self._look_at:
            return self._opened and not self._suspended
        self._look_at = now + _LOOK_S
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            free_mb = shutil.disk_usage(self._directory).free // 2**20
            wanted = self._options.min_free_mb + (_ROOM_TO_RESUME_MB if self._suspended else 0)
            if free_mb < wanted:
                self._suspend("disk_full", f"{free_mb} MB are free, {wanted} are wanted", now)
            elif self._suspended or not self._opened:
                self._open()
        except (OSError, av.FFmpegError) as error:
            self._fail(error, now)
        return self._opened and not self._suspended

    def _open(self) -> None:
        """First start, a start after a crash, or room again after a full disk: pick up the tail."""
        found = salvage(self._directory, first_index=self._next_index())
        if not self._opened:
            for role in (TrackRole.MAIN, TrackRole.SCREEN):
                self._lines[role] = _Line(role, self._segmenter(role))
        for line in self._lines.values():
            self._adopt(line, found)
        self._opened, self._suspended = True, False

    def _next_index(self) -> int:
        """Below it everything on disk is known."""
        indices = [line.segmenter.first_unknown for line in self._lines.values()]
        return min(indices, default=self._first_index)

    def _segmenter(self, role: TrackRole) -> Segmenter:
        return Segmenter(
            self._attempt_id,
            "main" if role is TrackRole.MAIN else "screen",
            self._directory,
            segment_s=self._options.segment_s,
            next_index=self._first_index,
            last_ended_at=self._last_ended_at if role is TrackRole.MAIN else None,
        )

    def _adopt(self, line: _Line, found: Sequence[FoundSegment]) -> None:
        first = line.segmenter.first_unknown
        for one in found:
            if one.name.track == line.role.value and one.name.index >= first:
                self._outcome.messages.append(line.segmenter.adopt(one))

    def _fail(self, error: Exception, now: float) -> None:
        full = isinstance(error, OSError) and error.errno in DISK_FULL
        log.warning("recording failed", extra={"attempt": self._attempt_id, "error": str(error)})
        for line in self._lines.values():
            line.segmenter.abandon()
        self._suspend("disk_full" if full else "disk_error", str(error), now)

    def _suspend(self, reason: ProblemReason, detail: str, now: float) -> None:
        self._look_at = now + _RETRY_S
        if self._suspended:
            return
        self._suspended = True
        for line in self._lines.values():
            try:
                line.segmenter.close()
            except (OSError, av.FFmpegError):
                line.segmenter.abandon()
            line.interleaver = Interleaver()
        self._collect()
        self._outcome.messages.append(RecordingProblem(self._attempt_id, reason, detail))

    # The frames.

    def _write(self, frames: Sequence[EncodedFrame], now: float) -> None:
        for frame in frames:
            role = TrackRole.SCREEN if frame.track is TrackRole.SCREEN else TrackRole.MAIN
            line = self._lines[role]
            line.alive = True
            line.interleaver.push(frame)
        for line in self._lines.values():
            for frame in line.interleaver.ready(now):
                line.segmenter.write(frame)
            line.segmenter.tick(now - GAP_ON_RECORD_S)
            if line.alive and line.segmenter.wants_keyframe(now):
                self._outcome.keyframes_wanted.append(line.role)
        self._collect()

    def _collect(self) -> None:
        for line in self._lines.values():
            self._outcome.messages += line.segmenter.written
            line.segmenter.written.clear()

    def _take(self) -> Outcome:
        outcome, self._outcome = self._outcome, Outcome()
        return outcome
