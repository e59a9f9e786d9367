"""Packets to the analysis process: the newest win, from a keyframe on, over restarts of that process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from media_server.analysis_link import AnalysisLink, StudentTap
from media_server.fanout import ExternalSource
from media_server.frames import EncodedFrame, TrackRole
from tests.support.clients import until
from tests.support.clips import video_clip
from tests.support.footage import HandFeed, sound, together, video
from transport.channel import Channel, Server
from transport.messages import (
    AnnotatedPacket,
    AnnotatedWanted,
    AnyMessage,
    FeedEnded,
    Hello,
    KeyframeWanted,
    Packet,
)


@dataclass
class Far:
    """The analysis process's end of the socket."""

    heard: list[AnyMessage] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)

    def packets(self, role: str = "main") -> list[Packet]:
        return [one for one in self.heard if isinstance(one, Packet) and one.role == role]


@asynccontextmanager
async def listening(socket: Path) -> AsyncIterator[Far]:
    far = Far()
    server = Server(socket, lambda _, message: far.heard.append(message), far.channels.append)
    await server.start()
    try:
        yield far
    finally:
        await server.aclose()


@dataclass
class Student:
    feed: HandFeed
    annotated: ExternalSource


@dataclass
class Near:
    link: AnalysisLink
    student: Student
    tap: StudentTap

    def push(self, *frames: EncodedFrame) -> None:
        self.student.feed.push(*frames)


@asynccontextmanager
async def linked(socket: Path) -> AsyncIterator[Near]:
    feed = HandFeed()
    asked: list[TrackRole] = []
    student = Student(feed, ExternalSource("attempt-1", lambda: asked.append(TrackRole.ANNOTATED)))
    link = AnalysisLink(str(socket), 3, lambda: {"attempt-1": student})
    tap = StudentTap("attempt-1", feed, link)
    try:
        yield Near(link, student, tap)
    finally:
        tap.close()
        await link.aclose()


async def settled(check: Callable[[], object]) -> None:
    await until(check, 10)


async def test_everything_arrives_in_order_with_sound_and_its_times(tmp_path: Path) -> None:
    async with listening(tmp_path / "s") as far, linked(tmp_path / "s") as near:
        await settled(lambda: near.link.connections == 1)
        frames = together(video(4), sound(4))
        near.push(*frames)
        await settled(lambda: len(far.packets()) == 60)
        near.tap.close()
        await settled(lambda: isinstance(far.heard[-1], FeedEnded))
        hello = far.heard[0]
        assert isinstance(hello, Hello) and (hello.role, hello.index) == ("media", 3)
        packets = [one for one in far.heard if isinstance(one, Packet)]
        assert [(one.role, one.rtp_timestamp, one.captured_at, one.data) for one in packets] == [
            (one.track.value, one.rtp_timestamp, one.captured_at, one.data) for one in frames
        ]


async def test_it_begins_at_a_keyframe_and_asks_for_one(tmp_path: Path) -> None:
    async with listening(tmp_path / "s") as far, linked(tmp_path / "s") as near:
        await settled(lambda: near.link.connections == 1)
        near.push(*video(2)[7:])
        await settled(lambda: len(far.packets()) == 15)
        assert far.packets()[0].keyframe
        assert TrackRole.MAIN in near.student.feed.asked
        assert near.link.dropped == 8


async def test_when_nobody_reads_frames_are_dropped_to_the_next_keyframe_and_counted(
    tmp_path: Path,
) -> None:
    """A raw listener that does not read, and then does."""
    reading = asyncio.Event()
    far = Far()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reading.wait()
        far.channels.append(Channel(reader, writer, lambda _, message: far.heard.append(message)))

    server = await asyncio.start_unix_server(slow, str(tmp_path / "s"), limit=4096)
    clip = video_clip(640, 480, frames=15, kbps=3000)
    async with server, linked(tmp_path / "s") as near:
        await settled(lambda: near.link.connections == 1)
        frames = video(60, clip)
        for frame in frames[:700]:
            near.push(frame)
            await asyncio.sleep(0)
        assert near.link.dropped > 100
        queued = near.link.sent
        reading.set()
        await settled(lambda: len(far.packets()) == queued)
        for frame in frames[700:]:
            near.push(frame)
            await asyncio.sleep(0)
        await settled(lambda: len(far.packets()) == near.link.sent)
        sent = far.packets()
        assert len(sent) + near.link.dropped == len(frames)
        assert sent[-1].rtp_timestamp == frames[-1].rtp_timestamp, "it caught up: the newest is there"
        for before, after in pairwise(sent):
            assert after.keyframe or after.rtp_timestamp - before.rtp_timestamp == 6000, (
                "no hole before a delta"
            )
        for channel in far.channels:
            await channel.aclose()


async def test_it_finds_the_process_again_after_a_restart_and_begins_at_a_keyframe(tmp_path: Path) -> None:
    async with linked(tmp_path / "s") as near:
        async with listening(tmp_path / "s") as far:
            await settled(lambda: near.link.connections == 1)
            near.push(*video(1))
            await settled(lambda: len(far.packets()) == 15)
        near.push(*video(1))
        near.student.feed.asked.clear()
        unsubscribe = near.student.annotated.subscribe(TrackRole.ANNOTATED, lambda frame: None)
        async with listening(tmp_path / "s") as far:
            await settled(lambda: near.link.connections == 2)
            assert near.student.feed.asked, "a keyframe, at once"
            near.push(*video(2)[10:])
            await settled(lambda: len(far.packets()) == 15)
            assert far.packets()[0].keyframe
            assert [one.wanted for one in far.heard if isinstance(one, AnnotatedWanted)] == [True]
        unsubscribe()


async def test_the_annotated_track_and_keyframe_wishes_come_back(tmp_path: Path) -> None:
    async with listening(tmp_path / "s") as far, linked(tmp_path / "s") as near:
        await settled(lambda: near.link.connections == 1 and far.channels)
        seen: list[EncodedFrame] = []
        near.student.annotated.subscribe(TrackRole.ANNOTATED, seen.append)
        near.student.feed.asked.clear()
        key, delta = video(1)[:2]
        far.channels[0].send(KeyframeWanted("attempt-1", "main"))
        for frame in (key, delta):
            far.channels[0].send(
                AnnotatedPacket(
                    "attempt-1", frame.rtp_timestamp, frame.captured_at, frame.keyframe, frame.data
                )
            )
        far.channels[0].send(KeyframeWanted("somebody-else", "main"))
        await settled(lambda: len(seen) == 2)
        assert near.student.feed.asked == [TrackRole.MAIN]
        assert [(one.track, one.width, one.height) for one in seen] == [
            (TrackRole.ANNOTATED, 320, 240), (TrackRole.ANNOTATED, None, None),
        ]  # fmt: skip
        assert seen[0].data == key.data


@pytest.mark.parametrize("closings", [1, 2])
async def test_closing_may_be_repeated(tmp_path: Path, closings: int) -> None:
    async with listening(tmp_path / "s") as far, linked(tmp_path / "s") as near:
        await settled(lambda: near.link.connections == 1)
        for _ in range(closings):
            near.tap.close()
            await near.link.aclose()
        assert [type(one) for one in far.heard[1:]] in ([FeedEnded], [])
