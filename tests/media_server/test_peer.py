"""Offers that can and cannot be answered, and how a connection ends."""

from __future__ import annotations

import asyncio

import pytest
from aiortc import RTCRtpSender

from core.errors import BadMessage, OutOfOrder
from media_server.frames import EncodedFrame, TrackRole
from media_server.ingest import StudentFeed
from media_server.peer import PeerSettings, PeerState, StudentPeer, WatcherPeer
from tests.support.clients import TestStudent, until
from tests.support.clips import video_clip
from tests.support.sessions import feeding, watching

pytestmark = pytest.mark.media


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "hello",
        "v=0\r\n",
        "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n",
        "v=0\r\n" + "m=audio 9 X 0\r\n" * 300,
    ],
    ids=["empty", "words", "no session", "no ice", "too many sections"],
)
async def test_an_offer_that_cannot_be_used_is_refused_in_words(offer: str) -> None:
    peer = StudentPeer({}, lambda frame: None)
    with pytest.raises(BadMessage):
        await peer.answer(offer)
    await peer.close()
    assert peer.state.over


async def test_one_offer_for_each_connection() -> None:
    student = TestStudent()
    peer = StudentPeer({}, lambda frame: None)
    try:
        offer = await student.offer()
        await peer.answer(offer)
        with pytest.raises(OutOfOrder):
            await peer.answer(offer)
    finally:
        await student.close()
        await peer.close()


async def test_sections_that_were_not_announced_are_not_received() -> None:
    student = TestStudent(low=video_clip(160, 120, 5, 25, 50))
    frames: list[EncodedFrame] = []
    offer = await student.offer()
    roles = {mid: role for mid, role in student.roles.items() if role is not TrackRole.LOW}
    peer = StudentPeer(roles, frames.append)
    try:
        answer = await peer.answer(offer)
        assert answer.count("a=inactive") == 1
        await student.accept(answer)
        await until(lambda: len(frames) > 10)
        assert {frame.track for frame in frames} <= {TrackRole.MAIN, TrackRole.AUDIO}
    finally:
        await student.close()
        await peer.close()


async def test_the_answer_asks_for_long_opus_packets() -> None:
    student = TestStudent()
    peer = StudentPeer({}, lambda frame: None)
    try:
        answer = await peer.answer(await student.offer())
        audio = answer[answer.index("m=audio") :]
        assert "a=ptime:60\r\n" in audio and "a=maxptime:60\r\n" in audio
        assert "minptime=60;useinbandfec=1;usedtx=1" in audio
        assert "ptime" not in answer[: answer.index("m=audio")]
    finally:
        await student.close()
        await peer.close()


@pytest.mark.parametrize("first", ["video/VP8", "video/H264"])
async def test_vp8_is_preferred_whatever_stands_first_in_the_offer(first: str) -> None:
    student = TestStudent(audio=False)
    codecs = RTCRtpSender.getCapabilities("video").codecs
    student.pc.getTransceivers()[0].setCodecPreferences(
        sorted(codecs, key=lambda codec: codec.mimeType != first)
    )
    peer = StudentPeer({}, lambda frame: None)
    try:
        await peer.answer(await student.offer())
        section = peer._connection.sections()[0]
        assert section._transceiver._codecs[0].mimeType == "video/VP8"
    finally:
        await student.close()
        await peer.close()


async def test_a_student_whose_browser_has_only_h264_is_seen() -> None:
    student = TestStudent(main=video_clip(codec="h264"), audio=False)
    codecs = [c for c in RTCRtpSender.getCapabilities("video").codecs if c.mimeType != "video/VP8"]
    student.pc.getTransceivers()[0].setCodecPreferences(codecs)
    async with feeding(student) as (feed, _, recorder), watching() as (peer, watcher, mappings):
        first = recorder.frames[TrackRole.MAIN][0]
        assert (first.codec, first.keyframe, first.width, first.height) == ("h264", True, 320, 240)
        slot = next(iter(peer.slots.values()))
        slot.attach(feed, TrackRole.MAIN)
        await until(lambda: len(watcher.seen[slot.mid]) > 5)
        assert watcher.seen[slot.mid][-1][1].width == 320
        assert mappings[0].width == 320


async def test_a_browser_that_goes_closes_its_connection() -> None:
    states: list[PeerState] = []
    student = TestStudent(audio=False)
    feed = StudentFeed("attempt-1", lambda _, state: states.append(state))
    await feed.connect(await student.offer(), student.roles)
    await student.close()
    async with feeding() as (other, client, _):
        await client.close()
        await until(lambda: other.state is PeerState.CLOSED)
    await feed.close()


async def test_closing_may_be_repeated_and_done_at_once() -> None:
    states: list[PeerState] = []
    peer = WatcherPeer(on_state=states.append)
    await asyncio.gather(peer.close(), peer.close())
    await peer.close()
    assert states == [PeerState.CLOSED]
    with pytest.raises(OutOfOrder):
        await peer.answer("v=0\r\n")


def test_a_public_address_must_be_one() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        PeerSettings(public_address="exam.example.org")
