"""The recorder on the event loop: real connections in, files out, and never in anybody's way."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from media_server import recorder as recorder_module
from media_server.finalize import Piece, finalize
from media_server.frames import EncodedFrame, TrackRole
from media_server.recorder import Feed, Recorder
from media_server.recording import RecordingOptions
from tests.support.clients import TestStudent, until
from tests.support.footage import HandFeed, beep_times, beeps, decoded, flash_times, flashes, video
from tests.support.sessions import feeding, join
from transport.messages import RecordingProblem, SegmentWritten, StartRecording

pytestmark = pytest.mark.media

Told = list[SegmentWritten | RecordingProblem]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@asynccontextmanager
async def recording(
    feed: Feed, directory: Path, pool: ThreadPoolExecutor, segment_s: float = 2.0
) -> AsyncIterator[tuple[Recorder, Told]]:
    told: Told = []
    options = RecordingOptions(segment_s, min_free_mb=0)
    recorder = Recorder(feed, StartRecording("attempt-1", str(directory), 0), options, told.append, pool)
    try:
        yield recorder, told
    finally:
        await recorder.aclose()


def segments(told: Told) -> list[SegmentWritten]:
    return [message for message in told if isinstance(message, SegmentWritten)]


def problems(told: Told) -> list[str]:
    return [message.reason for message in told if isinstance(message, RecordingProblem)]


async def test_a_real_connection_is_recorded_in_segments_cut_at_keyframes_it_was_asked_for(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    async with feeding() as (feed, student, _):
        asked = student.tracks[TrackRole.MAIN].keyframes_asked
        async with recording(feed, tmp_path, pool) as (_, told):
            await until(lambda: len(segments(told)) >= 3, 20, "three segments")
        assert student.tracks[TrackRole.MAIN].keyframes_asked > asked
    for one in segments(told)[:-1]:
        assert 1.4 < one.ended_at - one.started_at < 4
    for before, after in pairwise(segments(told)):
        assert after.started_at == before.ended_at
    for one in segments(told):
        pictures, heard = decoded(tmp_path / one.path)
        assert pictures
        assert heard
    assert not list(tmp_path.glob("*.part"))


async def test_lip_sync_of_a_real_connection_is_within_80_ms(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    student = TestStudent(main=flashes(keyframe_every=1), audio_ms=20)
    start = time.time() + 1.0
    for track in student.tracks.values():
        track._started = start
    student.tracks[TrackRole.AUDIO]._packets = beeps()
    for sender in student.pc.getSenders():
        sender._send_keyframe = lambda: None  # every frame is one; starting anew would shift the flashes
    async with feeding(student) as (feed, _, _), recording(feed, tmp_path, pool, 4.0) as (recorder, told):
        await asyncio.sleep(9)
        await recorder.aclose()
    pieces = [Piece(tmp_path / one.path, one.started_at, one.ended_at) for one in segments(told)]
    whole = finalize(pieces, tmp_path / "recording").path
    lit, heard = flash_times(whole), beep_times(whole)
    assert len(lit) >= 3
    for at in lit:
        assert min(abs(at - beep) for beep in heard) < 0.08, (lit, heard)


async def test_a_new_connection_of_the_same_student_goes_on_in_the_same_recording(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    async with feeding() as (feed, first, _), recording(feed, tmp_path, pool, 10.0) as (recorder, told):
        await asyncio.sleep(1.5)
        await first.close()
        second = TestStudent()
        await join(feed, second)
        await until(lambda: feed.stats().connections == 2)
        await asyncio.sleep(2.5)
        await recorder.aclose()
        await second.close()
    one, two = segments(told)
    assert (one.index, two.index) == (0, 1)
    assert two.started_at >= one.ended_at
    assert decoded(tmp_path / two.path)[0]


@contextmanager
def standing_still(pool: ThreadPoolExecutor) -> Iterator[Callable[[], None]]:
    """The writer thread does nothing until the yielded function is called."""
    stuck = threading.Event()
    pool.submit(stuck.wait)
    try:
        yield stuck.set
    finally:
        stuck.set()


async def test_a_disk_that_cannot_follow_costs_frames_not_memory_and_is_told_once(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = video(20, at=time.time() - 20)  # a keyframe every 15
    monkeypatch.setattr(recorder_module, "MAX_PENDING_BYTES", sum(len(frame.data) for frame in frames[:60]))
    feed = HandFeed()
    async with recording(feed, tmp_path, pool, 10.0) as (recorder, told):
        with standing_still(pool) as go_on:
            feed.push(*frames[:45])
            await until(lambda: not recorder._pending, what="the first batch is on its way, and waits")
            feed.push(*frames[45:143])
            assert problems(told) == ["disk_error"]
            lost = recorder.dropped
            assert lost > 20
            asked = len(feed.asked)
            go_on()
            await until(lambda: not recorder._pending, what="the disk is back")
        feed.push(*frames[143:200])
        assert recorder.dropped == lost + 7, "nothing inside a broken group of pictures"
        assert len(feed.asked) > asked, "a keyframe is asked for"
        lost = recorder.dropped
    assert problems(told) == ["disk_error"]
    assert sum(len(decoded(tmp_path / one.path)[0]) for one in segments(told)) == 200 - lost


async def test_the_event_loop_goes_on_while_the_disk_stands_still(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    feed = HandFeed()
    async with recording(feed, tmp_path, pool) as (recorder, told):
        with standing_still(pool):
            feed.push(*video(4, at=time.time() - 4))
            await until(lambda: not recorder._pending, what="handed to the writer")
            for _ in range(20):
                await asyncio.sleep(0.01)
            assert not told
        await until(lambda: segments(told), what="written when the disk is back")


async def test_a_student_who_sends_nothing_is_told_of(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "NO_MEDIA_S", 1.0)
    feed = HandFeed()
    async with recording(feed, tmp_path, pool) as (_, told):
        await until(lambda: told)
        await asyncio.sleep(1.2)
    assert problems(told) == ["no_media"]
    assert not segments(told)


async def test_closing_twice_and_while_writing_loses_nothing(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    feed = HandFeed()
    async with recording(feed, tmp_path, pool, 10.0) as (recorder, told):
        feed.push(*video(3, at=time.time() - 3))
        await asyncio.gather(recorder.aclose(), recorder.aclose())
    assert [len(decoded(tmp_path / one.path)[0]) for one in segments(told)] == [45]


async def test_a_screen_is_recorded_beside_the_camera(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    feed = HandFeed()
    async with recording(feed, tmp_path, pool, 10.0) as (_, told):
        camera = video(2, at=time.time() - 2)
        screen: list[EncodedFrame] = [replace(frame, track=TrackRole.SCREEN) for frame in camera]
        feed.push(*camera, *screen)
    assert sorted(one.track for one in segments(told)) == ["main", "screen"]
