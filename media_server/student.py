"""All the media process keeps of one student: the feed, and who takes from it."""

from __future__ import annotations

from concurrent.futures import Executor

from media_server.analysis_link import AnalysisLink, StudentTap
from media_server.fanout import ExternalSource
from media_server.health import HealthWatch
from media_server.ingest import FeedStateCallback, StudentFeed
from media_server.recorder import Recorder, Tell
from media_server.recording import RecordingOptions
from transport.messages import AnnotatedWanted, KeyframeWanted, StartRecording


class Student:
    """Lives from the first mention of the attempt to its end, whatever connections come and go."""

    def __init__(self, attempt_id: str, on_state: FeedStateCallback) -> None:
        self.attempt_id = attempt_id
        self.feed = StudentFeed(attempt_id, on_state)
        self.health = HealthWatch(self.feed)
        self.annotated = ExternalSource(attempt_id, self._ask_annotated, self._want_annotated)
        self.recorder: Recorder | None = None
        self._tap: StudentTap | None = None

    @property
    def link(self) -> AnalysisLink | None:
        return None if self._tap is None else self._tap.link

    def use_analysis(self, link: AnalysisLink | None) -> None:
        """Send to `link` from now on, and to nobody else."""
        if self._tap is not None:
            if self._tap.link is link:
                return
            self._tap.close()
            self._tap = None
        if link is not None:
            self._tap = StudentTap(self.attempt_id, self.feed, link)
            if self.annotated.watched:
                self._want_annotated(True)

    def record(self, order: StartRecording, options: RecordingOptions, tell: Tell, pool: Executor) -> None:
        """Begin; where a recording is under way, it goes on."""
        if self.recorder is None:
            self.recorder = Recorder(self.feed, order, options, tell, pool)

    async def stop_recording(self) -> None:
        recorder, self.recorder = self.recorder, None
        if recorder is not None:
            await recorder.aclose()

    async def aclose(self) -> None:
        """What was received is on disk afterwards; may be called twice."""
        await self.stop_recording()
        self.use_analysis(None)
        self.health.close()
        await self.feed.close()

    def _ask_annotated(self) -> None:
        if self._tap is not None:
            self._tap.link.tell(KeyframeWanted(self.attempt_id, "annotated"))

    def _want_annotated(self, wanted: bool) -> None:
        if self._tap is not None:
            self._tap.link.tell(AnnotatedWanted(self.attempt_id, wanted))
