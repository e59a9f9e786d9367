"""A student's feed: frames, talk-back, statistics, and connections that replace each other."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from core.errors import BadMessage
from media_server.frames import TrackRole
from media_server.ingest import StudentFeed
from media_server.peer import PeerState
from media_server.talk import TalkLine
from tests.support.clients import TestStudent, until
from tests.support.clips import opus_packets, video_clip
from tests.support.netem import NetworkEmulator
from tests.support.sessions import Recorder, feeding, join, watching

pytestmark = pytest.mark.media


async def test_frames_arrive_as_they_were_sent() -> None:
    clip = video_clip()
    async with feeding(TestStudent(main=clip)) as (_, _, recorder):
        await recorder.wait(TrackRole.MAIN, 40)
        frames = recorder.frames[TrackRole.MAIN]
        assert frames[0].keyframe and (frames[0].width, frames[0].height) == (320, 240)
        assert [frame.data for frame in frames[:40]] == list(clip.frames[:40])
        steps = [after.rtp_timestamp - before.rtp_timestamp for before, after in itertools.pairwise(frames)]
        assert {step % 2**32 for step in steps} == {6000}
        assert all(not frame.keyframe and frame.width is None for frame in frames[1:40])
        await recorder.wait(TrackRole.AUDIO, 5)
        assert recorder.frames[TrackRole.AUDIO][-1].data in opus_packets(60)


async def test_silence_left_out_by_the_encoder_is_no_loss() -> None:
    async with feeding() as (feed, student, recorder):
        sound = student.tracks[TrackRole.AUDIO]
        await recorder.wait(TrackRole.AUDIO, 3)
        sound.pause()
        await recorder.wait(TrackRole.MAIN, 15)
        before = recorder.frames[TrackRole.AUDIO][-1]
        sound.resume()
        await recorder.wait(TrackRole.AUDIO, 3)
        after = recorder.frames[TrackRole.AUDIO][-3]
        assert (after.rtp_timestamp - before.rtp_timestamp) % 2**32 >= 48_000 // 2
        assert after.captured_at - before.captured_at > 0.5
        assert feed.stats().tracks[TrackRole.AUDIO].packets_lost == 0
        assert feed.state is PeerState.CONNECTED


async def test_an_unsubscribed_callback_hears_nothing_and_a_failing_one_harms_nobody() -> None:
    async with feeding() as (feed, _, recorder):
        heard: list[object] = []
        unsubscribe = feed.subscribe(TrackRole.MAIN, heard.append)
        feed.subscribe(TrackRole.MAIN, lambda frame: 1 // 0)  # type: ignore[arg-type, return-value]
        await recorder.wait(TrackRole.MAIN, 3)
        unsubscribe()
        unsubscribe()
        count = len(heard)
        assert count >= 2
        await recorder.wait(TrackRole.MAIN, 3)
        assert len(heard) == count


async def test_the_student_hears_whoever_began_to_talk_last() -> None:
    async with (
        feeding() as (feed, student, _),
        watching(talk=True, on_talk=(first := TalkLine()).push),
        watching(talk=True, on_talk=(second := TalkLine()).push),
    ):
        pushed: list[object] = []
        usual = feed.push_talk
        feed.push_talk = lambda talker, frame: usual(talker, frame) and not pushed.append(talker)  # type: ignore
        first.attach(feed)
        await until(lambda: len(student.heard) > 5)
        assert student.heard[-1][1].sample_rate == 48_000
        second.attach(feed)
        pushed.clear()
        heard = len(student.heard)
        await until(lambda: len(student.heard) > heard + 5)
        assert set(pushed) == {second}
        first.detach()  # was not heard any more: changes nothing
        pushed.clear()
        await until(lambda: pushed)
        second.detach()
        pushed.clear()
        await asyncio.sleep(0.3)
        assert not pushed


async def test_what_people_may_want_to_know_of_a_connection() -> None:
    async with (
        NetworkEmulator() as network,
        feeding(TestStudent(low=video_clip(160, 120, 5, 25, 50)), network) as (feed, _, recorder),
    ):
        await recorder.wait(TrackRole.MAIN, 60)
        stats = feed.stats()
        assert (stats.state, stats.connections) == (PeerState.CONNECTED, 1)
        assert (stats.local_candidate, stats.remote_candidate) == ("host", "prflx")
        main, low = stats.tracks[TrackRole.MAIN], stats.tracks[TrackRole.LOW]
        assert 10 < main.fps < 20 and 3 < low.fps < 8
        assert main.kbps > low.kbps > 5
        assert main.last_frame_age is not None and main.last_frame_age < 1
        network.conditions.loss = 0.15
        await until(lambda: feed.stats().tracks[TrackRole.MAIN].fraction_lost > 0.02)
        await until(lambda: feed.stats().round_trip_ms is not None)
    assert feed.state is PeerState.CLOSED


async def test_a_refused_offer_leaves_the_connection_that_is_there() -> None:
    async with feeding() as (feed, _, recorder):
        with pytest.raises(BadMessage):
            await feed.connect("v=0\r\n", {})
        await recorder.wait(TrackRole.MAIN, 3)
        assert feed.stats().connections == 1


async def test_frames_of_a_replaced_connection_are_not_mixed_in() -> None:
    async with feeding() as (feed, first, recorder):
        second = TestStudent()
        try:
            await join(feed, second)
            await until(lambda: feed.stats().connections == 2)
            epochs = [frame.epoch for frame in await recorder.wait(TrackRole.MAIN, 10)]
            assert epochs == sorted(epochs) and len(set(epochs)) == 2
            times = [frame.captured_at for frame in recorder.frames[TrackRole.MAIN]]
            assert all(after > before - 0.05 for before, after in itertools.pairwise(times))
            await until(lambda: first.pc.connectionState == "closed", what="the old connection is ended")
        finally:
            await second.close()


async def test_a_second_offer_before_the_first_is_up_wins() -> None:
    feed = StudentFeed("attempt-1")
    recorder = Recorder(feed)
    first, second = TestStudent(), TestStudent()
    try:
        await feed.connect(await first.offer(), first.roles)
        await join(feed, second)
        await recorder.wait(TrackRole.MAIN, 3)
        assert feed.stats().connections == 1
    finally:
        await first.close()
        await second.close()
        await feed.close()
