"""Records a student's feed for as long as the attempt lasts, whatever the connection does.

The event loop only collects frames; twice a second they go to a writer thread in one batch. What
waits is bounded: when the disk cannot follow, frames are dropped up to the next keyframe, counted and
reported. Thumbnails are not made here: the media process never decodes (the analysis process sends them).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol

from core.tasks import cancel_and_wait
from media_server.frames import EncodedFrame, FrameCallback, TrackRole
from media_server.recording import AttemptRecording, Outcome, RecordingOptions
from transport.messages import RecordingProblem, SegmentWritten, StartRecording

log = logging.getLogger(__name__)

MAX_PENDING_BYTES = 8 * 2**20
"""About a minute and a half of one student."""
BATCH_S = 0.5
NO_MEDIA_S = 10.0
_ROLES = (TrackRole.MAIN, TrackRole.AUDIO, TrackRole.SCREEN)

Tell = Callable[[SegmentWritten | RecordingProblem], object]


class Feed(Protocol):
    """Where frames come from: `media_server.ingest.StudentFeed`."""

    def subscribe(self, role: TrackRole, callback: FrameCallback) -> Callable[[], None]: ...

    def request_keyframe(self, role: TrackRole) -> None: ...


class Recorder:
    """Starts recording at once; `aclose` returns when the last segment is on disk and told of."""

    def __init__(
        self, feed: Feed, order: StartRecording, options: RecordingOptions, tell: Tell, pool: Executor
    ) -> None:
        self._feed = feed
        self._attempt_id = order.attempt_id
        self._recording = AttemptRecording(order, options)
        self._tell = tell
        self._pool = pool
        self._pending: list[EncodedFrame] = []
        self._pending_bytes = 0
        self._broken: set[TrackRole] = set()
        """Roles in which something was dropped: useless up to the next keyframe."""
        self._behind = False
        self._last_frame_at = time.time()
        self._starved = False
        self.dropped = 0
        self._unsubscribe = [feed.subscribe(role, self._on_frame) for role in _ROLES]
        self._writing = asyncio.Lock()
        self._pump = asyncio.create_task(self._run(), name="recorder")
        self._closed = False
        feed.request_keyframe(TrackRole.MAIN)

    async def aclose(self) -> None:
        """Awaited and repeatable."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        await cancel_and_wait(self._pump)
        async with self._writing:
            if self._closed:
                return
            self._closed = True
            await self._hand_over(self._take())
            loop = asyncio.get_running_loop()
            self._deliver(await loop.run_in_executor(self._pool, self._recording.close))

    def _on_frame(self, frame: EncodedFrame) -> None:
        self._last_frame_at = time.time()
        if self._pending_bytes + len(frame.data) > MAX_PENDING_BYTES:
            self._drop(frame)
            return
        if frame.track in self._broken:
            if not frame.keyframe:
                self.dropped += 1
                self._feed.request_keyframe(frame.track)
                return
            self._broken.discard(frame.track)
        self._pending.append(frame)
        self._pending_bytes += len(frame.data)

    def _drop(self, frame: EncodedFrame) -> None:
        self.dropped += 1
        self._broken.add(frame.track)
        if not self._behind:
            self._behind = True
            detail = "the disk cannot follow: frames were dropped"
            self._tell(RecordingProblem(self._attempt_id, "disk_error", detail))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(BATCH_S)
            # A batch on its way to disk is not torn apart by cancellation: `aclose` waits for it.
            await asyncio.shield(self._turn())

    async def _turn(self) -> None:
        async with self._writing:
            if self._closed:
                return
            batch = self._take()
            self._notice_starvation()
            await self._hand_over(batch)

    def _take(self) -> list[EncodedFrame]:
        batch, self._pending, self._pending_bytes = self._pending, [], 0
        self._behind = False
        return batch

    async def _hand_over(self, batch: list[EncodedFrame]) -> None:
        loop = asyncio.get_running_loop()
        self._deliver(await loop.run_in_executor(self._pool, self._recording.write, batch, time.time()))

    def _deliver(self, outcome: Outcome) -> None:
        for message in outcome.messages:
            self._tell(message)
        for role in outcome.keyframes_wanted:
            self._feed.request_keyframe(role)

    def _notice_starvation(self) -> None:
        starved = time.time() - self._last_frame_at > NO_MEDIA_S
        if starved and not self._starved:
            self._tell(RecordingProblem(self._attempt_id, "no_media", "nothing arrives from the student"))
        self._starved = starved
