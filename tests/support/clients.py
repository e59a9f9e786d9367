"""Browsers' stand-ins: stock aiortc connections that send compressed clips and decode what they get."""

from __future__ import annotations

import asyncio
import fractions
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import av
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from media_server.frames import TrackRole
from tests.support.clips import Clip, opus_packets, video_clip

VIDEO_CLOCK = fractions.Fraction(1, 90_000)
AUDIO_CLOCK = fractions.Fraction(1, 48_000)


class ClipTrack(MediaStreamTrack):
    """Sends a clip over and over in real time; a keyframe request starts it from its keyframe."""

    kind = "video"

    def __init__(self, clip: Clip, start_at: float | None = None) -> None:
        super().__init__()
        self.clip = clip
        self.sent = 0
        self.last_pts = 0
        self.keyframes_asked = 0
        self._index = 0
        self._started = start_at

    def send_keyframe(self) -> None:
        self.keyframes_asked += 1
        self._index = 0

    async def recv(self) -> av.Packet:
        if self._started is None:
            self._started = time.time()
        await asyncio.sleep(max(0.0, self._started + self.sent / self.clip.fps - time.time()))
        packet = av.Packet(self.clip.frames[self._index])
        packet.pts, packet.time_base = self.sent * 90_000 // self.clip.fps, VIDEO_CLOCK
        self.last_pts = packet.pts
        self.sent += 1
        self._index = (self._index + 1) % len(self.clip.frames)
        return packet


class OpusTrack(MediaStreamTrack):
    """Sends Opus packets in real time; `pause()` sends nothing while the clock runs on (DTX)."""

    kind = "audio"

    def __init__(self, milliseconds: int = 60, start_at: float | None = None) -> None:
        super().__init__()
        self._packets = opus_packets(milliseconds)
        self._seconds = milliseconds / 1000
        self._speaking = asyncio.Event()
        self._speaking.set()
        self._started = start_at
        self.sent = 0
        self.last_pts = 0

    def pause(self) -> None:
        self._speaking.clear()

    def resume(self) -> None:
        self._speaking.set()

    async def recv(self) -> av.Packet:
        if self._started is None:
            self._started = time.time()
        await self._speaking.wait()
        due = max(self.sent, int((time.time() - self._started) / self._seconds))
        await asyncio.sleep(max(0.0, self._started + due * self._seconds - time.time()))
        packet = av.Packet(self._packets[due % len(self._packets)])
        packet.pts, packet.time_base = int(due * self._seconds * 48_000), AUDIO_CLOCK
        self.last_pts = packet.pts
        self.sent = due + 1
        return packet


def forward_keyframe_requests(pc: RTCPeerConnection) -> None:
    """Stock senders of compressed packets ignore PLI; ours restart their clip."""
    for sender in pc.getSenders():
        if isinstance(sender.track, ClipTrack):
            sender._send_keyframe = sender.track.send_keyframe  # type: ignore[method-assign]


class TestStudent:
    """Offers main, low and sound as a student's page does."""

    __test__ = False

    def __init__(
        self,
        *,
        main: Clip | None = None,
        low: Clip | None = None,
        audio: bool = True,
        audio_ms: int = 60,
    ) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.roles: dict[str, TrackRole] = {}
        self.tracks: dict[TrackRole, Any] = {}
        self.heard: list[tuple[float, Any]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._add(TrackRole.MAIN, ClipTrack(main or video_clip()))
        if low is not None:
            self._add(TrackRole.LOW, ClipTrack(low))
        if audio:
            self._add(TrackRole.AUDIO, OpusTrack(audio_ms))
        self.pc.on("track", self._on_track)
        forward_keyframe_requests(self.pc)

    def _add(self, role: TrackRole, track: MediaStreamTrack) -> None:
        direction = "sendrecv" if role is TrackRole.AUDIO else "sendonly"
        self.pc.addTransceiver(track, direction=direction)
        self.tracks[role] = track

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.create_task(collect(track, self.heard)))

    async def offer(self) -> str:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        for transceiver, role in zip(self.pc.getTransceivers(), self.tracks, strict=True):
            assert transceiver.mid is not None
            self.roles[transceiver.mid] = role
        return self.pc.localDescription.sdp

    def rtp_origin(self) -> dict[TrackRole, int]:
        """The RTP timestamp at which each track began (stock senders choose it and keep it to themselves)."""
        senders = zip(self.pc.getSenders(), self.tracks.items(), strict=True)
        return {
            role: (sender._RTCRtpSender__rtp_timestamp - track.last_pts) & 0xFFFFFFFF  # type: ignore[attr-defined]
            for sender, (role, track) in senders
        }

    async def accept(self, answer: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.pc.close()


async def collect(track: MediaStreamTrack, into: list[tuple[float, Any]]) -> None:
    """(arrival, decoded frame) of a track until it ends."""
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        into.append((time.time(), frame))


@dataclass
class TestWatcher:
    """Offers slots as a proctor's page does, and decodes what comes."""

    __test__ = False

    video_slots: int = 1
    audio_slots: int = 0
    talk: bool = False
    pc: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[])))
    seen: dict[str, list[tuple[float, Any]]] = field(default_factory=dict)
    talk_mid: str | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def offer(self) -> str:
        for _ in range(self.video_slots):
            self.pc.addTransceiver("video", direction="recvonly")
        for _ in range(self.audio_slots):
            self.pc.addTransceiver("audio", direction="recvonly")
        speaking = self.pc.addTransceiver(OpusTrack(60), direction="sendonly") if self.talk else None
        self.pc.on("track", self._on_track)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        self.talk_mid = None if speaking is None else speaking.mid
        return self.pc.localDescription.sdp

    def _on_track(self, track: MediaStreamTrack) -> None:
        mid = next(t.mid for t in self.pc.getTransceivers() if t.receiver.track is track)
        assert mid is not None
        self._tasks.append(asyncio.create_task(collect(track, self.seen.setdefault(mid, []))))

    async def accept(self, answer: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.pc.close()


async def until(condition: Callable[[], object], within: float = 10.0, what: str = "") -> None:
    """Waits for something that only shows in state."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what or condition}")
        await asyncio.sleep(0.01)
