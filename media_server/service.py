"""The media process: what web asks of it, carried out. Knows students and watchers, no signals."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from config.naming import RECORDER_THREAD, name_thread
from config.settings import MediaSettings, RecordingSettings
from core.errors import NotFound
from core.tasks import TaskSet
from media_server import peer, relay
from media_server.analysis_link import AnalysisLink
from media_server.frames import TrackRole
from media_server.ingest import StudentFeed
from media_server.peer import PeerSettings, WatcherPeer
from media_server.process_stats import usage
from media_server.recording import RecordingOptions
from media_server.student import Student
from media_server.talk import TalkLine
from transport.messages import (
    AnyMessage,
    Attach,
    CloseStudent,
    CloseWatcher,
    Detach,
    Done,
    PeerState,
    SdpAnswer,
    SlotMapping,
    StartRecording,
    StopRecording,
    StudentOffer,
    Talk,
    UseAnalysis,
    WatcherOffer,
    WorkerStats,
)

log = logging.getLogger(__name__)

HEALTH_LOOK_S = 0.25
STATS_S = 2.0
_WRITER_THREADS = 2
"""A slow fsync of one student must not hold up the others."""
_STATES = {
    peer.PeerState.CONNECTING: "connecting",
    peer.PeerState.CONNECTED: "connected",
    peer.PeerState.FAILED: "failed",
    peer.PeerState.CLOSED: "closed",
}
"""A stall is no state of the connection for web: FeedHealth tells it, track by track."""


@dataclass(slots=True)
class _Watcher:
    peer: WatcherPeer
    talk: TalkLine = field(default_factory=TalkLine)


class MediaService:
    """`tell` sends an event to web; it must not block."""

    def __init__(
        self,
        index: int,
        media: MediaSettings,
        recording: RecordingSettings,
        tell: Callable[[AnyMessage], object],
    ) -> None:
        self._index = index
        self._tell = tell
        self._peer_settings = PeerSettings(public_address=media.public_address or None)
        self._recording = RecordingOptions(recording.segment_s, recording.min_free_mb)
        self._students: dict[str, Student] = {}
        self._watchers: dict[str, _Watcher] = {}
        self._links: dict[str, AnalysisLink] = {}
        self._pool = ThreadPoolExecutor(
            _WRITER_THREADS, "recorder", initializer=name_thread, initargs=(RECORDER_THREAD,)
        )
        self._tasks = TaskSet("media service")
        self._stats_at = 0.0

    async def take(self, message: AnyMessage) -> AnyMessage | None:
        """One message of web; what it returns answers a request. Raises ProctorError."""
        match message:
            case StudentOffer():
                return await self._student_offer(message)
            case CloseStudent():
                await self._close_student(message.attempt_id)
            case WatcherOffer():
                return await self._watcher_offer(message)
            case CloseWatcher():
                await self._close_watcher(message.watcher_id)
            case Attach():
                self._attach(message)
            case Detach():
                self._slot(message.watcher_id, message.mid).detach()
            case Talk():
                self._talk(message)
            case StartRecording():
                student = self._student(message.attempt_id)
                student.record(message, self._recording, self._tell, self._pool)
            case StopRecording():
                if stopping := self._students.get(message.attempt_id):
                    await stopping.stop_recording()
            case UseAnalysis():
                await self._use_analysis(message)
            case _:
                log.warning("web said what nobody takes", extra={"what": type(message).__name__})
        return Done()

    async def aclose(self) -> None:
        """Recordings first, then connections; may be called twice."""
        await self._tasks.aclose()
        for student in list(self._students.values()):
            await student.stop_recording()
        for attempt_id in list(self._students):
            await self._close_student(attempt_id)
        for watcher_id in list(self._watchers):
            await self._close_watcher(watcher_id)
        for link in self._links.values():
            await link.aclose()
        self._pool.shutdown(wait=True)

    # Students.

    def _student(self, attempt_id: str) -> Student:
        """The one there is, or a new one: watchers and recorders may come before the student does."""
        student = self._students.get(attempt_id)
        if student is None:
            student = self._students[attempt_id] = Student(attempt_id, self._on_student_state)
        return student

    async def _student_offer(self, offer: StudentOffer) -> SdpAnswer:
        student = self._student(offer.attempt_id)
        roles = {mid: TrackRole(role) for mid, role in offer.roles.items()}
        self._tell(PeerState("student", offer.attempt_id, "connecting"))
        return SdpAnswer(await student.feed.connect(offer.sdp, roles, self._peer_settings))

    def _on_student_state(self, feed: StudentFeed, state: peer.PeerState) -> None:
        self._say_state("student", feed.attempt, state)
        if student := self._students.get(feed.attempt):
            self._report_health(student)

    async def _close_student(self, attempt_id: str) -> None:
        student = self._students.pop(attempt_id, None)
        if student is None:
            return
        for watcher in self._watchers.values():
            for slot in watcher.peer.slots.values():
                if slot.source is student.feed or slot.source is student.annotated:
                    slot.detach()
            if watcher.talk.listener is student.feed:
                watcher.talk.detach()
        await student.aclose()
        await self._drop_unused_links()
        self._say_state("student", attempt_id, peer.PeerState.CLOSED)

    # Analysis.

    async def _use_analysis(self, message: UseAnalysis) -> None:
        link = None if message.socket is None else self._link(message.socket)
        self._student(message.attempt_id).use_analysis(link)
        await self._drop_unused_links()

    def _link(self, socket: str) -> AnalysisLink:
        if socket not in self._links:
            self._links[socket] = AnalysisLink(socket, self._index, partial(self._students_on, socket))
        return self._links[socket]

    def _students_on(self, socket: str) -> Mapping[str, Student]:
        link = self._links.get(socket)
        return {name: one for name, one in self._students.items() if link is not None and one.link is link}

    async def _drop_unused_links(self) -> None:
        used = {id(student.link) for student in self._students.values()}
        for socket, link in list(self._links.items()):
            if id(link) not in used:
                del self._links[socket]
                await link.aclose()

    # Watchers.

    async def _watcher_offer(self, offer: WatcherOffer) -> SdpAnswer:
        talk = TalkLine()
        watcher = WatcherPeer(
            talk_mid=offer.talk_mid,
            together=offer.together,
            settings=self._peer_settings,
            on_state=partial(self._on_watcher_state, offer.watcher_id),
            on_mapping=partial(self._on_mapping, offer.watcher_id),
            on_talk=talk.push,
        )
        await self._close_watcher(offer.watcher_id)
        self._watchers[offer.watcher_id] = _Watcher(watcher, talk)
        try:
            return SdpAnswer(await watcher.answer(offer.sdp))
        except BaseException:
            self._watchers.pop(offer.watcher_id, None)
            raise

    def _on_watcher_state(self, watcher_id: str, state: peer.PeerState) -> None:
        self._say_state("watcher", watcher_id, state)
        if state.over and watcher_id in self._watchers:
            self._tasks.start(self._close_watcher(watcher_id), name="watcher.close")

    async def _close_watcher(self, watcher_id: str) -> None:
        watcher = self._watchers.pop(watcher_id, None)
        if watcher is not None:
            watcher.talk.detach()
            await watcher.peer.close()

    def _slot(self, watcher_id: str, mid: str) -> relay.Slot:
        watcher = self._watchers.get(watcher_id)
        if watcher is None or mid not in watcher.peer.slots:
            raise NotFound(what="slot")
        return watcher.peer.slots[mid]

    def _attach(self, message: Attach) -> None:
        slot, role = self._slot(message.watcher_id, message.mid), TrackRole(message.role)
        if role.is_video != (slot.kind == "video"):
            raise NotFound(what=f"{slot.kind} track")
        student = self._student(message.attempt_id)
        if role is TrackRole.ANNOTATED:
            slot.attach_external(student.annotated)
        else:
            slot.attach(student.feed, role)

    def _talk(self, message: Talk) -> None:
        watcher = self._watchers.get(message.watcher_id)
        if watcher is None:
            raise NotFound(what="watcher")
        if message.attempt_id is None:
            watcher.talk.detach()
        else:
            watcher.talk.attach(self._student(message.attempt_id).feed)

    def _on_mapping(self, watcher_id: str, mapping: relay.SlotMapping) -> None:
        self._tell(
            SlotMapping(
                watcher_id=watcher_id,
                mid=mapping.slot_mid,
                attempt_id=mapping.attempt,
                role=mapping.role.value,
                rtp_offset=mapping.rtp_offset,
                width=mapping.width,
                height=mapping.height,
            )
        )

    # What is told unasked.

    def _say_state(self, side: str, id: str, state: peer.PeerState) -> None:
        if state in _STATES:
            self._tell(PeerState(side, id, _STATES[state]))  # type: ignore[arg-type]

    def look(self) -> None:
        """Call every HEALTH_LOOK_S: reports what is due."""
        now = time.time()
        for student in self._students.values():
            if student.health.due(now):
                self._report_health(student)
        if now >= self._stats_at + STATS_S:
            self._stats_at = now
            self._tell(self.stats())

    def _report_health(self, student: Student) -> None:
        report = student.health.report(time.time())
        if report.tracks:
            self._tell(report)

    def stats(self) -> WorkerStats:
        used = usage()
        tracks = [track for one in self._students.values() for track in one.feed.stats().tracks.values()]
        recorders = [one.recorder for one in self._students.values() if one.recorder is not None]
        return WorkerStats(
            role="media",
            index=self._index,
            cpu_seconds=used.cpu_seconds,
            rss_bytes=used.rss_bytes,
            threads=used.threads,
            descriptors=used.descriptors,
            counters={
                "students": len(self._students),
                "watchers": len(self._watchers),
                "packets.in": sum(track.packets for track in tracks),
                "packets.lost": sum(track.packets_lost for track in tracks),
                "packets.recovered": sum(track.packets_recovered for track in tracks),
                "frames.dropped": sum(track.frames_dropped for track in tracks),
                "keyframes.asked": sum(track.keyframe_requests for track in tracks),
                "recordings": len(recorders),
                "recording.dropped": sum(recorder.dropped for recorder in recorders),
                "analysis.sent": sum(link.sent for link in self._links.values()),
                "analysis.dropped": sum(link.dropped for link in self._links.values()),
            },
        )
