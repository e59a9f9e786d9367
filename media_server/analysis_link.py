"""The media process's connection to one analysis process: packets out, keyframe wishes and the annotated
track back.

Newest wins: when the other side does not read, nothing is queued here. A frame that cannot be sent takes the
rest of its group of pictures with it, is counted, and a keyframe is asked for as soon as there is room.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from core.tasks import cancel_and_wait
from media_server.codecs import picture_size
from media_server.fanout import ExternalSource, Unsubscribe
from media_server.frames import EncodedFrame, TrackRole
from media_server.recorder import Feed
from transport.channel import Channel, connect
from transport.messages import (
    AnnotatedPacket,
    AnnotatedWanted,
    AnyMessage,
    FeedEnded,
    Hello,
    KeyframeWanted,
    Packet,
    Role,
)

log = logging.getLogger(__name__)

MAX_BACKLOG_BYTES = 512 * 1024
"""Half a second of sixteen students; more would be old when it is looked at."""
RETRY_S = 0.2
_ROLES = (TrackRole.MAIN, TrackRole.AUDIO, TrackRole.SCREEN)


class Analysed(Protocol):
    """A student as the link needs one."""

    @property
    def feed(self) -> Feed: ...

    @property
    def annotated(self) -> ExternalSource: ...


class AnalysisLink:
    """To the analysis process that listens at `socket`; connects again by itself when that restarts.

    `students` is looked at whenever a connection is made or a message comes: it is the owner's table of
    the students that use this link, by attempt.
    """

    def __init__(self, socket: str, index: int, students: Callable[[], Mapping[str, Analysed]]) -> None:
        self._socket = socket
        self._index = index
        self._students = students
        self._channel: Channel | None = None
        self.connections = 0
        self.sent = 0
        self.dropped = 0
        self._task = asyncio.create_task(self._run(), name="analysis-link")

    async def aclose(self) -> None:
        """May be called twice."""
        await cancel_and_wait(self._task)
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.aclose()

    def send_packet(self, packet: Packet) -> bool:
        """False, and counted, where there is no room or nobody there."""
        channel = self._channel
        if channel is not None and channel.backlog <= MAX_BACKLOG_BYTES and channel.send(packet):
            self.sent += 1
            return True
        self.dropped += 1
        return False

    def tell(self, message: AnyMessage) -> None:
        if self._channel is not None:
            self._channel.send(message)

    async def _run(self) -> None:
        while True:
            try:
                channel = await connect(self._socket, self._heard)
            except OSError:
                await asyncio.sleep(RETRY_S)
                continue
            self._greet(channel)
            await channel.closed.wait()
            self._channel = None
            await channel.aclose()
            log.warning("analysis is gone", extra={"socket": self._socket})
            await asyncio.sleep(RETRY_S)

    def _greet(self, channel: Channel) -> None:
        channel.send(Hello("media", self._index, os.getpid()))
        self._channel = channel
        self.connections += 1
        for attempt_id, student in self._students().items():
            student.feed.request_keyframe(TrackRole.MAIN)
            if student.annotated.watched:
                channel.send(AnnotatedWanted(attempt_id, wanted=True))

    def _heard(self, _: Channel, message: AnyMessage) -> None:
        if not isinstance(message, KeyframeWanted | AnnotatedPacket):
            log.warning("analysis said what nobody takes", extra={"what": type(message).__name__})
            return
        student = self._students().get(message.attempt_id)
        if student is None:
            return
        if isinstance(message, KeyframeWanted):
            student.feed.request_keyframe(TrackRole(message.role))
        else:
            student.annotated.push(self._annotated_frame(message))

    def _annotated_frame(self, packet: AnnotatedPacket) -> EncodedFrame:
        size = picture_size("vp8", packet.data) if packet.keyframe else None
        width, height = size or (None, None)
        return EncodedFrame(
            TrackRole.ANNOTATED, "vp8", packet.data, packet.rtp_timestamp, packet.captured_at,
            packet.keyframe, width, height, epoch=self.connections,
        )  # fmt: skip


class StudentTap:
    """Sends one student's frames over a link, from a keyframe on and never with a hole in between."""

    def __init__(self, attempt_id: str, feed: Feed, link: AnalysisLink) -> None:
        self._attempt_id = attempt_id
        self._feed = feed
        self.link = link
        self._intact: dict[TrackRole, int] = {}
        """Role -> the link's connection on which it is sent without a hole."""
        self._asked_at = 0.0
        self._unsubscribe: list[Unsubscribe] = [feed.subscribe(role, self._on_frame) for role in _ROLES]
        feed.request_keyframe(TrackRole.MAIN)
        feed.request_keyframe(TrackRole.SCREEN)

    def close(self) -> None:
        """May be called twice."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        if self._unsubscribe:
            self._unsubscribe = []
            self.link.tell(FeedEnded(self._attempt_id))

    def _on_frame(self, frame: EncodedFrame) -> None:
        link = self.link
        if not frame.keyframe and self._intact.get(frame.track) != link.connections:
            link.dropped += 1
            self._ask(frame.track)
            return
        packet = Packet(
            attempt_id=self._attempt_id,
            role=cast(Role, frame.track.value),
            codec=frame.codec,
            rtp_timestamp=frame.rtp_timestamp,
            captured_at=frame.captured_at,
            keyframe=frame.keyframe,
            data=frame.data,
        )
        if link.send_packet(packet):
            self._intact[frame.track] = link.connections
        else:
            self._intact.pop(frame.track, None)

    def _ask(self, role: TrackRole) -> None:
        """A reader that is gone or far behind is not helped by keyframes twice a second."""
        now = time.monotonic()
        if now - self._asked_at > 1.0:
            self._asked_at = now
            self._feed.request_keyframe(role)
