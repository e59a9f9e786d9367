"""Cuts one recorded track into segments. Plain and synchronous; the clock is the frames' own.

A segment begins with a keyframe and ends at the first keyframe after `segment_s`; when that is due the
source is asked for one. A picture of another size or codec, another connection, or a silence of
`GAP_S` ends it early. Sound goes with the picture; without a picture it is recorded alone.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

from media_server.frames import EncodedFrame
from media_server.salvage import FoundSegment
from media_server.segment_file import SOUND_ONLY, RecordedTrack, SegmentName, SegmentWriter, VideoFormat
from transport.messages import SegmentWritten

GAP_S = 3.0
"""Nothing for so long ends a segment; a screen that does not change still sends one frame a second."""
GAP_ON_RECORD_S = 0.5
"""A shorter distance between two segments is the distance between two frames."""
ASK_AHEAD_S = 0.5
"""The keyframe is asked for a little before it is due: it takes a round trip, frames are held back."""
_ASK_AGAIN_S = 2.0
_SOUND_WORTH_KEEPING_S = 1.0
"""Sound that waited longer for the picture gets a file of its own."""


class Segmenter:
    """Frames in order of capture go in; `written` collects what is safe on disk.

    Methods raise OSError or av.FFmpegError where the disk does; `abandon` then, and go on later.
    """

    def __init__(
        self,
        attempt_id: str,
        track: RecordedTrack,
        directory: Path,
        *,
        segment_s: float,
        next_index: int,
        last_ended_at: float | None,
    ) -> None:
        self._attempt_id = attempt_id
        self._track: RecordedTrack = track
        self._directory = directory
        self._segment_s = segment_s
        self._next_index = next_index
        self._first_unknown = next_index
        self._last_ended_at = last_ended_at
        self.written: list[SegmentWritten] = []
        self._writer: SegmentWriter | None = None
        self._early: deque[EncodedFrame] = deque()
        """Sound that waits to learn whether there will be a picture."""
        self._epoch = 0
        self._asked_at: float | None = None
        self._last_video_at = 0.0
        self._last_at = 0.0
        self._frame_s = 1 / 15

    @property
    def first_unknown(self) -> int:
        """Below this number nothing on disk is unfinished: where salvaging begins."""
        return self._first_unknown

    def adopt(self, found: FoundSegment) -> SegmentWritten:
        """Take over what a crash left behind, and count on after it."""
        name = found.name
        self._next_index = max(self._next_index, name.index + 1)
        self._first_unknown = self._next_index
        return self._report(name, found.format, found.ended_at, found.size_bytes)

    def write(self, frame: EncodedFrame) -> None:
        self.tick(frame.captured_at)
        if frame.track.is_video:
            self._write_video(frame)
        else:
            self._write_sound(frame)

    def wants_keyframe(self, now: float) -> bool:
        """Whether to ask the source now; answering yes counts as having asked."""
        if self._writer is not None and self._writer.format is not SOUND_ONLY:
            due = now >= self._writer.name.started_at + self._segment_s - ASK_AHEAD_S
        else:
            due = True
        if not due or (self._asked_at is not None and now < self._asked_at + _ASK_AGAIN_S):
            return False
        self._asked_at = now
        return True

    def tick(self, now: float) -> None:
        """Time passes: ends what has gone silent."""
        writer = self._writer
        if writer is None:
            if self._early and now >= self._early[0].captured_at + GAP_S:
                self._open(SOUND_ONLY, self._early[0])
            return
        silent = now >= self._last_at + GAP_S
        overdue = now >= writer.name.started_at + self._segment_s
        blind = now >= self._last_video_at + GAP_S
        if silent or (overdue and blind):
            self._close(self._last_at + self._frame_s)

    def close(self) -> None:
        """Finish the open segment."""
        if self._writer is None and self._early:
            self._open(SOUND_ONLY, self._early[0])
        if self._writer is not None:
            self._close(self._last_at + self._frame_s)

    def abandon(self) -> None:
        """The disk failed: leave the open file to be salvaged, count on with the next number."""
        writer, self._writer = self._writer, None
        self._early.clear()
        if writer is not None:
            writer.abandon()

    def _write_video(self, frame: EncodedFrame) -> None:
        if frame.keyframe and self._must_cut(frame):
            if self._early and frame.captured_at - self._early[0].captured_at > _SOUND_WORTH_KEEPING_S:
                self._open(SOUND_ONLY, self._early[0])
            if self._writer is not None:
                self._close(frame.captured_at)
            self._open(self._format_of(frame), frame)
        if self._writer is None or self._writer.format is SOUND_ONLY or frame.epoch != self._epoch:
            return
        distance = frame.captured_at - self._last_video_at
        if 0 < distance < 1:
            self._frame_s = distance
        self._last_video_at = frame.captured_at
        self._last_at = max(self._last_at, frame.captured_at)
        self._writer.write(frame)

    def _write_sound(self, frame: EncodedFrame) -> None:
        if self._writer is None:
            self._early.append(frame)
            return
        self._last_at = max(self._last_at, frame.captured_at)
        self._writer.write(frame)

    def _must_cut(self, keyframe: EncodedFrame) -> bool:
        writer = self._writer
        if writer is None or writer.format is SOUND_ONLY or keyframe.epoch != self._epoch:
            return True
        if self._format_of(keyframe) != writer.format:
            return True
        return keyframe.captured_at >= writer.name.started_at + self._segment_s - ASK_AHEAD_S

    def _format_of(self, keyframe: EncodedFrame) -> VideoFormat:
        return VideoFormat(keyframe.codec, keyframe.width or 0, keyframe.height or 0)

    def _open(self, format: VideoFormat, first: EncodedFrame) -> None:
        started_ms = round(first.captured_at * 1000)
        name = SegmentName(self._track, self._next_index, started_ms, format.suffix)
        self._next_index += 1
        self._writer = SegmentWriter(self._directory, name, format, sound=self._track == "main")
        self._epoch = first.epoch
        self._asked_at = None
        self._last_at = self._last_video_at = first.captured_at
        while self._early:
            self._write_sound(self._early.popleft())

    def _close(self, ended_at: float) -> None:
        writer, self._writer = self._writer, None
        assert writer is not None
        size = self._commit(writer)
        self._first_unknown = self._next_index
        self.written.append(self._report(writer.name, writer.format, ended_at, size))

    def _report(self, name: SegmentName, format: VideoFormat, ended_at: float, size: int) -> SegmentWritten:
        gap = 0.0 if self._last_ended_at is None else name.started_at - self._last_ended_at
        self._last_ended_at = ended_at
        return SegmentWritten(
            attempt_id=self._attempt_id,
            index=name.index,
            track=self._track,
            path=str(name),
            started_at=name.started_at,
            ended_at=round(ended_at, 3),
            codec=format.codec,
            width=format.width,
            height=format.height,
            size_bytes=size,
            gap_before_s=round(gap, 3) if gap > GAP_ON_RECORD_S else 0.0,
        )

    def _commit(self, writer: SegmentWriter) -> int:
        try:
            return writer.commit()
        except Exception:
            self._writer = writer  # so that `abandon` finds it
            raise
