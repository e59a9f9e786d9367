"""A student's feed or a watcher's connection, up and running, for the length of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from aiortc import RTCSessionDescription

from media_server.aiortc_compat import MediaPeerConnection
from media_server.fanout import FrameSource
from media_server.frames import EncodedFrame, TrackRole
from media_server.ingest import StudentFeed
from media_server.media_transport import MediaTransport
from media_server.peer import PeerSettings, WatcherPeer
from media_server.receiver import EncodedReceiver
from media_server.relay import SlotMapping
from tests.support.clients import TestStudent, TestWatcher, until
from tests.support.netem import NetworkEmulator


class Recorder:
    """Keeps what a feed gives out, by role."""

    def __init__(self, feed: StudentFeed) -> None:
        self.frames: dict[TrackRole, list[EncodedFrame]] = {}
        for role in (TrackRole.MAIN, TrackRole.LOW, TrackRole.AUDIO):
            feed.subscribe(role, self.frames.setdefault(role, []).append)

    async def wait(self, role: TrackRole, count: int = 1, within: float = 10.0) -> list[EncodedFrame]:
        """`count` more frames than there are now."""
        frames = self.frames[role]
        goal = len(frames) + count
        await until(lambda: len(frames) >= goal, within, f"{count} more frames of {role}")
        return frames


async def join(
    feed: StudentFeed,
    student: TestStudent,
    network: NetworkEmulator | None = None,
    settings: PeerSettings | None = None,
) -> None:
    """Connect the student to the feed, through `network` where given."""
    offer = await student.offer()
    if network is None:
        await student.accept(await feed.connect(offer, student.roles, settings))
    else:
        answer = await feed.connect(network.hide(offer), student.roles, settings)
        await student.accept(await network.route(answer))


@asynccontextmanager
async def feeding(
    student: TestStudent | None = None,
    network: NetworkEmulator | None = None,
    *,
    attempt: str = "attempt-1",
    settings: PeerSettings | None = None,
) -> AsyncIterator[tuple[StudentFeed, TestStudent, Recorder]]:
    """A feed whose main track has begun to come."""
    student = student or TestStudent()
    feed = StudentFeed(attempt)
    recorder = Recorder(feed)
    try:
        await join(feed, student, network, settings)
        await recorder.wait(TrackRole.MAIN)
        yield feed, student, recorder
    finally:
        await student.close()
        await feed.close()


@asynccontextmanager
async def watching(
    video_slots: int = 1, audio_slots: int = 0, **options: Any
) -> AsyncIterator[tuple[WatcherPeer, TestWatcher, list[SlotMapping]]]:
    """A connected watcher. Options go to WatcherPeer, `talk=True` to TestWatcher."""
    watcher = TestWatcher(video_slots, audio_slots, talk=options.pop("talk", False))
    offer = await watcher.offer()
    mappings: list[SlotMapping] = []
    peer = WatcherPeer(talk_mid=watcher.talk_mid, on_mapping=mappings.append, **options)
    try:
        await watcher.accept(await peer.answer(offer))
        await until(lambda: all(slot.sender.ready for slot in peer.slots.values()), what="watcher connected")
        yield peer, watcher, mappings
    finally:
        await watcher.close()
        await peer.close()


@dataclass
class OwnWatcher:
    """Receives with our own receivers: encoded frames with capture times, on the source's RTP clock."""

    pc: MediaPeerConnection
    peer: WatcherPeer
    frames: dict[TrackRole, list[EncodedFrame]] = field(default_factory=dict)
    receivers: dict[TrackRole, EncodedReceiver] = field(default_factory=dict)

    @property
    def transport(self) -> MediaTransport:
        transport = self.pc.media_transport
        assert transport is not None
        return transport

    def listen(self, role: TrackRole) -> None:
        transceiver = self.pc.addTransceiver("video" if role.is_video else "audio", direction="recvonly")
        receiver = self.receivers[role] = cast(EncodedReceiver, transceiver.receiver)
        frames = self.frames[role] = []

        def keep(frame: EncodedFrame) -> None:
            mapping = self.peer.slots[transceiver.mid or ""].mapping
            assert mapping is not None
            frames.append(replace(frame, rtp_timestamp=frame.rtp_timestamp - mapping.rtp_offset & 0xFFFFFFFF))

        receiver.role, receiver.sink = role, keep


@asynccontextmanager
async def own_watcher(
    source: FrameSource | Mapping[TrackRole, FrameSource],
    network: NetworkEmulator | None = None,
    *,
    wait: bool = True,
) -> AsyncIterator[OwnWatcher]:
    """Watches main and sound, of one source or of one for each; `wait` until the picture is there."""
    sources = (
        source if isinstance(source, Mapping) else dict.fromkeys((TrackRole.MAIN, TrackRole.AUDIO), source)
    )
    watcher = OwnWatcher(MediaPeerConnection(), WatcherPeer())
    try:
        for role in sources:
            watcher.listen(role)
        await watcher.pc.setLocalDescription(await watcher.pc.createOffer())
        offer = watcher.pc.localDescription.sdp
        answer = await watcher.peer.answer(offer if network is None else network.hide(offer))
        if network is not None:
            answer = await network.route(answer)
        await watcher.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        for slot, role in zip(watcher.peer.slots.values(), watcher.frames, strict=True):
            slot.attach(sources[role], role)
        await until(lambda: all(slot.sender.ready for slot in watcher.peer.slots.values()))
        if wait:
            await until(lambda: watcher.frames[TrackRole.MAIN], what="the watcher's first frame")
        yield watcher
    finally:
        await watcher.pc.close()
        await watcher.peer.close()
