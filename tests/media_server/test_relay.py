"""Slots: who is shown, from when on, and on which clock."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from media_server.fanout import ExternalSource
from media_server.frames import EncodedFrame, TrackRole
from media_server.peer import WatcherPeer
from tests.support.clients import TestStudent, TestWatcher, until
from tests.support.clips import opus_packets, video_clip
from tests.support.sessions import feeding, own_watcher, watching

pytestmark = pytest.mark.media

LOW = video_clip(160, 120, 5, 25, 50)
LONG = video_clip(frames=150)
"""Ten seconds from one keyframe to the next, unless one is asked for."""


async def test_a_late_joiner_sees_a_picture_within_a_second() -> None:
    async with feeding(TestStudent(main=LONG, low=LOW)) as (feed, _, recorder):
        await recorder.wait(TrackRole.MAIN, 60)
        assert not feed.replay(TrackRole.MAIN), "too far behind the last keyframe"
        async with watching() as (peer, watcher, _):
            mid = next(iter(peer.slots))
            attached = time.time()
            peer.slots[mid].attach(feed, TrackRole.MAIN)
            await until(lambda: watcher.seen[mid])
            assert watcher.seen[mid][0][0] - attached < 1.0


async def test_a_late_joiner_gets_what_is_cached_of_a_short_group_of_pictures() -> None:
    async with feeding(TestStudent(main=LONG)) as (feed, student, recorder):
        await recorder.wait(TrackRole.MAIN, 10)
        asked = student.tracks[TrackRole.MAIN].keyframes_asked
        async with own_watcher(feed) as watched:
            assert watched.frames[TrackRole.MAIN][0].data == LONG.frames[0]
            await until(lambda: len(watched.frames[TrackRole.MAIN]) > 30)
            assert student.tracks[TrackRole.MAIN].keyframes_asked == asked, "nothing had to be asked for"
            newest = watched.frames[TrackRole.MAIN][-1]
            assert newest.rtp_timestamp in [frame.rtp_timestamp for frame in recorder.frames[TrackRole.MAIN]]


async def test_a_slot_attached_before_the_connection_is_up_shows_a_picture_when_it_is() -> None:
    async with feeding() as (feed, _, _):
        watcher, peer = TestWatcher(), WatcherPeer()
        try:
            answer = await peer.answer(await watcher.offer())
            mid = next(iter(peer.slots))
            peer.slots[mid].attach(feed, TrackRole.MAIN)
            await asyncio.sleep(0.3)
            await watcher.accept(answer)
            await until(lambda: watcher.seen.get(mid))
        finally:
            await watcher.close()
            await peer.close()


async def test_a_switch_between_tracks_shows_every_picture_and_never_none() -> None:
    async with (
        feeding(TestStudent(main=LONG, low=LOW)) as (feed, _, recorder),
        watching() as (peer, watcher, mappings),
    ):
        await recorder.wait(TrackRole.MAIN, 60)
        slot = next(iter(peer.slots.values()))
        seen = watcher.seen[slot.mid]
        slot.attach(feed, TrackRole.LOW)
        await until(lambda: len(seen) > 5)
        slot.switch(TrackRole.MAIN)
        assert slot.mapping is not None and slot.mapping.role is TrackRole.LOW, "the old picture stays"
        await until(lambda: seen[-1][1].width == 320)
        slot.switch(TrackRole.LOW)
        await until(lambda: seen[-1][1].width == 160)
        widths = [frame.width for _, frame in seen]
        changes = sum(before != after for before, after in itertools.pairwise(widths))
        assert changes == 2
        stamps = [frame.pts for _, frame in seen]
        assert all(before < after for before, after in itertools.pairwise(stamps))
        arrivals = [at for at, _ in seen]
        longest = max(after - before for before, after in itertools.pairwise(arrivals))
        assert longest < 1.0, "two frames of the low track, and some for a busy machine"
        assert [mapping.role for mapping in mappings] == [TrackRole.LOW, TrackRole.MAIN, TrackRole.LOW]
        assert [mapping.width for mapping in mappings] == [160, 320, 160]


async def test_another_students_picture_is_taken_away_at_once() -> None:
    async with (
        feeding() as (one, _, _),
        feeding(attempt="attempt-2") as (other, _, _),
        watching() as (
            peer,
            watcher,
            mappings,
        ),
    ):
        slot = next(iter(peer.slots.values()))
        slot.attach(one, TrackRole.MAIN)
        await until(lambda: mappings)
        slot.attach(other, TrackRole.SCREEN)  # a track that never comes
        assert slot.mapping is None
        sent = slot.sender.stats.frames
        await asyncio.sleep(0.5)
        assert slot.sender.stats.frames == sent
        slot.attach(other, TrackRole.MAIN)
        await until(lambda: len(mappings) == 2)
        assert [mapping.attempt for mapping in mappings] == ["attempt-1", "attempt-2"]
        count = len(watcher.seen[slot.mid])
        await until(lambda: len(watcher.seen[slot.mid]) > count + 5)


async def test_a_detached_slot_sends_nothing_and_may_be_used_again() -> None:
    async with feeding() as (feed, _, _), watching() as (peer, _, mappings):
        slot = next(iter(peer.slots.values()))
        slot.attach(feed, TrackRole.MAIN)
        await until(lambda: slot.sender.stats.frames > 3)
        slot.detach()
        sent = slot.sender.stats.frames
        await asyncio.sleep(0.3)
        assert slot.sender.stats.frames == sent and slot.mapping is None and slot.source is None
        slot.attach(feed, TrackRole.MAIN)
        await until(lambda: slot.sender.stats.frames > sent)
        assert len(mappings) == 2


async def test_the_mapping_leads_from_the_watchers_clock_to_the_students() -> None:
    """own_watcher puts what it receives back on the source's clock by the mapping."""
    async with feeding() as (feed, _, recorder), own_watcher(feed) as watched:
        await recorder.wait(TrackRole.MAIN, 10)  # past what was replayed, which is squeezed together
        source = {frame.rtp_timestamp: frame.data for frame in recorder.frames[TrackRole.MAIN]}
        live = watched.frames[TrackRole.MAIN][-4:]
        assert [source[frame.rtp_timestamp] for frame in live] == [frame.data for frame in live]


async def test_a_watcher_that_lost_its_picture_gets_a_keyframe_from_the_student() -> None:
    async with feeding() as (feed, student, _), own_watcher(feed) as watched:
        receiver = watched.receivers[TrackRole.MAIN]
        asked, keyframes = student.tracks[TrackRole.MAIN].keyframes_asked, receiver.stats().keyframes
        receiver.request_keyframe()
        await until(lambda: student.tracks[TrackRole.MAIN].keyframes_asked > asked)
        await until(lambda: receiver.stats().keyframes > keyframes)


async def test_many_requests_reach_the_student_as_few() -> None:
    async with feeding() as (feed, student, recorder):
        track = student.tracks[TrackRole.MAIN]
        asked, started = track.keyframes_asked, time.monotonic()
        while time.monotonic() - started < 1.2:
            feed.request_keyframe(TrackRole.MAIN)
            await recorder.wait(TrackRole.MAIN)
        passed = time.monotonic() - started
        assert 1 <= track.keyframes_asked - asked <= passed / 0.5 + 1


async def test_the_annotated_track_is_made_only_while_somebody_watches() -> None:
    demand: list[bool] = []
    asked: list[float] = []
    source = ExternalSource("attempt-1", lambda: asked.append(time.time()), demand.append)
    clip = video_clip(160, 120, 5, 25, 50)
    async with watching(2) as (peer, watcher, mappings):
        first, second = peer.slots.values()
        first.attach_external(source)
        assert demand == [True] and asked
        second.attach_external(source)
        for index, data in enumerate(clip.frames[:10]):
            source.push(
                EncodedFrame(
                    TrackRole.ANNOTATED, "vp8", data, index * 18_000, time.time(), index == 0, 160, 120
                )
            )
            await asyncio.sleep(0.05)
        await until(lambda: all(len(watcher.seen[mid]) > 3 for mid in peer.slots))
        assert {mapping.role for mapping in mappings} == {TrackRole.ANNOTATED}
        first.detach()
        assert demand == [True]
        second.detach()
        assert demand == [True, False]


async def test_a_picture_that_is_later_than_its_sound_is_told_so_to_the_watcher() -> None:
    """Capture times survive the relay: what was made at one instant has one capture time at the watcher,
    however late it came in."""
    picture, sound = ExternalSource("attempt-1", lambda: None), ExternalSource("attempt-1", lambda: None)
    clip, packets = video_clip(160, 120, 5, 25, 50), opus_packets(60)
    late = 0.4
    async with own_watcher({TrackRole.MAIN: picture, TrackRole.AUDIO: sound}, wait=False) as watched:
        started = time.time()
        for index in range(60):
            now = started + index * 0.06
            await asyncio.sleep(max(0.0, now - time.time()))
            sound.push(
                EncodedFrame(TrackRole.AUDIO, "opus", packets[index % 50], 7_000 + index * 2_880, now, True)
            )
            if index % 3 == 0:
                data = clip.frames[index // 3 % 25]
                stamp = 90_000 + index * 5_400
                picture.push(
                    EncodedFrame(TrackRole.MAIN, "vp8", data, stamp, now - late, index % 75 == 0, 160, 120)
                )
        image, tone = watched.frames[TrackRole.MAIN][-1], watched.frames[TrackRole.AUDIO][-1]
        image_start = image.captured_at - (image.rtp_timestamp - 90_000) / 90_000
        tone_start = tone.captured_at - (tone.rtp_timestamp - 7_000) / 48_000
        assert abs((tone_start - image_start) - late) < 0.08


async def test_a_wall_of_fifty_slots_on_one_connection() -> None:
    async with feeding(TestStudent(main=LOW, audio=False)) as (feed, _, _):
        watcher = TestWatcher(video_slots=50, audio_slots=2)
        mappings: list[str] = []
        peer = WatcherPeer(on_mapping=lambda mapping: mappings.append(mapping.slot_mid))
        try:
            await watcher.accept(await peer.answer(await watcher.offer()))
            assert len(peer.slots) == 52
            video = [slot for slot in peer.slots.values() if slot.kind == "video"]
            for slot in video:
                slot.attach(feed, TrackRole.MAIN)
            await until(lambda: len(set(mappings)) == 50, 20)
            await until(lambda: all(slot.sender.stats.frames > 3 for slot in video), 20)
            identifiers = {
                line for line in peer._connection.localDescription.sdp.splitlines() if "msid:" in line
            }
            assert len({line.split()[0] for line in identifiers}) == 52, "each slot is a stream of its own"
        finally:
            await watcher.close()
            await peer.close()


async def test_a_sound_and_a_picture_slot_may_be_played_in_sync() -> None:
    watcher = TestWatcher(video_slots=2, audio_slots=1)
    offer = await watcher.offer()
    peer = WatcherPeer(together={"2": "0"})
    try:
        answer = await peer.answer(offer)
        streams = [line.split()[0] for line in answer.splitlines() if line.startswith("a=msid:")]
        assert streams[0] == streams[2] != streams[1]
    finally:
        await watcher.close()
        await peer.close()


async def test_a_slot_takes_its_own_kind_only() -> None:
    async with watching(1, 1) as (peer, _, _):
        source = ExternalSource("attempt-1", lambda: None)
        picture, sound = peer.slots.values()
        with pytest.raises(ValueError, match="audio"):
            sound.attach(source, TrackRole.MAIN)
        with pytest.raises(ValueError, match="video"):
            picture.attach(source, TrackRole.AUDIO)
