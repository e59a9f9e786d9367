"""What web may ask of a media process, on real connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from config.settings import MediaSettings, RecordingSettings
from core.errors import BadMessage, NotFound
from media_server.service import MediaService
from tests.support.clients import TestStudent, TestWatcher, until
from tests.support.clips import video_clip
from tests.support.footage import decoded, video
from transport.channel import Channel, Server
from transport.messages import (
    AnnotatedPacket,
    AnnotatedWanted,
    AnyMessage,
    Attach,
    CloseStudent,
    CloseWatcher,
    Detach,
    Done,
    FeedEnded,
    FeedHealth,
    Message,
    Packet,
    PeerState,
    SdpAnswer,
    SegmentWritten,
    SlotMapping,
    StartRecording,
    StopRecording,
    StudentOffer,
    Talk,
    UseAnalysis,
    WatcherOffer,
    WorkerStats,
)

pytestmark = pytest.mark.media

M = TypeVar("M", bound=Message)
LOW = video_clip(160, 120, 5, 25, 50)


@dataclass
class Media:
    """A service, and web's side of it."""

    service: MediaService
    told: list[AnyMessage]
    students: list[TestStudent] = field(default_factory=list)
    watchers: list[TestWatcher] = field(default_factory=list)

    def of(self, kind: type[M]) -> list[M]:
        return [message for message in self.told if isinstance(message, kind)]

    def states(self, id: str) -> list[str]:
        return [message.state for message in self.of(PeerState) if message.id == id]

    async def turn(self) -> None:
        """One look of the process's main loop."""
        self.service.look()
        await asyncio.sleep(0.05)

    async def publish(self, attempt: str, *, low: bool = False) -> TestStudent:
        student = TestStudent(low=LOW if low else None)
        self.students.append(student)
        offer = await student.offer()
        roles = {mid: role.value for mid, role in student.roles.items()}
        answer = await self.service.take(StudentOffer(attempt, offer, roles))  # type: ignore[arg-type]
        assert isinstance(answer, SdpAnswer)
        await student.accept(answer.sdp)
        return student

    async def watch(self, name: str, slots: int = 1, *, talk: bool = False) -> TestWatcher:
        watcher = TestWatcher(slots, talk=talk)
        self.watchers.append(watcher)
        offer = await watcher.offer()
        answer = await self.service.take(WatcherOffer(name, offer, watcher.talk_mid))
        assert isinstance(answer, SdpAnswer)
        await watcher.accept(answer.sdp)
        await until(lambda: "connected" in self.states(name), what=f"{name} connected")
        return watcher


@pytest.fixture
async def media() -> AsyncIterator[Media]:
    told: list[AnyMessage] = []
    recording = RecordingSettings(segment_s=2, min_free_mb=0)
    running = Media(MediaService(4, MediaSettings(), recording, told.append), told)
    yield running
    for client in (*running.students, *running.watchers):
        await client.close()
    await running.service.aclose()
    await running.service.aclose()


async def test_a_wall_two_students_on_one_connection_each_in_their_slot(media: Media) -> None:
    await media.publish("a", low=True)
    await media.publish("b")
    watcher = await media.watch("w", slots=2)
    first, second = list(watcher.seen)
    await media.service.take(Attach("w", first, "a", "low"))
    await media.service.take(Attach("w", second, "b", "main"))
    await until(lambda: watcher.seen[first] and watcher.seen[second], what="both pictures")
    assert watcher.seen[first][-1][1].width == 160
    assert watcher.seen[second][-1][1].width == 320
    mappings = {mapping.mid: mapping for mapping in media.of(SlotMapping)}
    assert (mappings[first].watcher_id, mappings[first].attempt_id, mappings[first].role) == ("w", "a", "low")
    assert (mappings[second].attempt_id, mappings[second].width) == ("b", 320)


async def test_a_slot_filled_before_the_student_comes_shows_the_picture_when_they_do(media: Media) -> None:
    watcher = await media.watch("w")
    (mid,) = watcher.seen
    await media.service.take(Attach("w", mid, "late", "main"))
    await media.publish("late")
    await until(lambda: watcher.seen[mid], what="a picture")


async def test_an_emptied_slot_stays_empty_and_a_closed_student_empties_it(media: Media) -> None:
    await media.publish("a")
    watcher = await media.watch("w")
    (mid,) = watcher.seen
    await media.service.take(Attach("w", mid, "a", "main"))
    await until(lambda: watcher.seen[mid])
    await media.service.take(Detach("w", mid))
    assert media.service._slot("w", mid).source is None
    await media.service.take(Attach("w", mid, "a", "main"))
    await media.service.take(CloseStudent("a"))
    assert media.service._slot("w", mid).source is None
    assert media.states("a")[-1] == "closed"
    assert await media.service.take(CloseStudent("a")) == Done(), "again changes nothing"


@pytest.mark.parametrize(
    "message",
    [
        Attach("nobody", "0", "a", "main"),
        Attach("w", "nowhere", "a", "main"),
        Attach("w", "0", "a", "audio"),
        Detach("w", "nowhere"),
        Talk("nobody", "a"),
    ],
    ids=lambda message: f"{type(message).__name__} {message.watcher_id}",
)
async def test_what_is_not_there_is_refused(media: Media, message: AnyMessage) -> None:
    await media.watch("w")
    with pytest.raises(NotFound):
        await media.service.take(message)


async def test_an_offer_that_is_none_is_refused_and_leaves_nothing_behind(media: Media) -> None:
    with pytest.raises(BadMessage):
        await media.service.take(WatcherOffer("w", "v=0 nonsense"))
    with pytest.raises(BadMessage):
        await media.service.take(StudentOffer("a", "v=0 nonsense", {"0": "main"}))
    assert media.service.stats().counters["watchers"] == 0


async def test_a_proctor_speaks_to_one_student_and_then_to_nobody(media: Media) -> None:
    student = await media.publish("a")
    other = await media.publish("b")
    await media.watch("w", talk=True)
    await media.service.take(Talk("w", "a"))
    await until(lambda: len(student.heard) > 5, what="the voice")
    assert not other.heard
    await media.service.take(Talk("w", None))
    await until(lambda: time.time() - student.heard[-1][0] > 0.5, what="silence")


async def test_a_second_offer_keeps_the_recording_and_stopping_finishes_it(
    media: Media, tmp_path: Path
) -> None:
    first = await media.publish("a")
    order = StartRecording("a", str(tmp_path), 0)
    await media.service.take(order)
    await until(lambda: media.of(SegmentWritten), 15, "a segment")
    await first.close()
    await media.publish("a")
    await media.service.take(order)  # web says it with every offer
    assert await media.service.take(StopRecording("a")) == Done()
    segments = media.of(SegmentWritten)
    assert [one.index for one in segments] == list(range(len(segments)))
    assert sorted(one.path for one in segments) == sorted(path.name for path in tmp_path.iterdir())
    assert all(decoded(tmp_path / one.path)[0] for one in segments)
    assert await media.service.take(StopRecording("a")) == Done()


async def test_packets_go_to_the_analysis_process_and_its_annotated_track_to_a_watcher(
    media: Media, tmp_path: Path
) -> None:
    heard: list[AnyMessage] = []
    channels: list[Channel] = []
    server = Server(tmp_path / "s", lambda _, message: heard.append(message), channels.append)
    await server.start()
    await media.publish("a")
    await media.service.take(UseAnalysis("a", str(tmp_path / "s")))
    await until(lambda: sum(isinstance(one, Packet) for one in heard) > 20, what="packets")
    packets = [one for one in heard if isinstance(one, Packet)]
    assert {one.role for one in packets} == {"main", "audio"}
    watcher = await media.watch("w")
    (mid,) = watcher.seen
    await media.service.take(Attach("w", mid, "a", "annotated"))
    await until(lambda: AnnotatedWanted("a", True) in heard, what="asked for")
    for frame in video(1, LOW):
        channels[0].send(AnnotatedPacket("a", frame.rtp_timestamp, time.time(), frame.keyframe, frame.data))
    await until(lambda: watcher.seen[mid], what="the annotated picture")
    await media.service.take(Detach("w", mid))
    await until(lambda: AnnotatedWanted("a", False) in heard, what="no more wanted")
    await media.service.take(UseAnalysis("a", None))
    await until(lambda: FeedEnded("a") in heard, what="the end")
    await server.aclose()


async def test_health_says_at_once_that_a_track_stalled(media: Media) -> None:
    student = await media.publish("a")
    while not any(track.live for health in media.of(FeedHealth) for track in health.tracks):
        await media.turn()
    await student.close()
    stopped = time.time()
    while any(track.live for track in media.of(FeedHealth)[-1].tracks):
        await media.turn()
    assert time.time() - stopped < 5
    assert media.of(WorkerStats)[-1].counters["students"] == 1


async def test_a_watcher_who_leaves_is_forgotten(media: Media) -> None:
    await media.watch("w")
    assert media.service.stats().counters["watchers"] == 1
    await media.service.take(CloseWatcher("w"))
    assert media.service.stats().counters["watchers"] == 0
    assert media.states("w")[-1] == "closed"
