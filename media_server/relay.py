"""What a watcher sees and hears: slots that sources are put into and taken out of.

A slot is one m-line of the watcher's connection, negotiated once; who is shown in it changes without
a new negotiation. Every change starts at a keyframe, and what was shown before stays until then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from media_server.fanout import FrameSource, Unsubscribe
from media_server.frames import EncodedFrame, TrackRole
from media_server.sender import EncodedSender
from media_server.timeline import RtpTimeline

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SlotMapping:
    """What a slot shows from now on, for whoever draws over it."""

    slot_mid: str
    attempt: str
    role: TrackRole
    rtp_offset: int
    """source_rtp = (sent_rtp - rtp_offset) mod 2^32, where source_rtp is EncodedFrame.rtp_timestamp and
    sent_rtp what the browser reports (requestVideoFrameCallback)."""
    width: int | None
    height: int | None


MappingCallback: TypeAlias = Callable[[SlotMapping], None]


@dataclass(slots=True)
class _Attachment:
    source: FrameSource
    role: TrackRole
    unsubscribe: Unsubscribe = field(default=lambda: None)
    epoch: int | None = None


class Slot:
    """One video or audio m-line of a watcher."""

    def __init__(
        self, mid: str, kind: str, sender: EncodedSender, on_mapping: MappingCallback | None
    ) -> None:
        self.mid = mid
        self.kind = kind
        self._sender = sender
        self._on_mapping = on_mapping
        self._timeline = RtpTimeline()
        self._live: _Attachment | None = None
        self._pending: _Attachment | None = None
        self._mapping: SlotMapping | None = None
        self._closed = False
        sender.on_keyframe_needed = self._on_keyframe_needed

    @property
    def mapping(self) -> SlotMapping | None:
        """What is shown; None while nothing is."""
        return self._mapping

    @property
    def sender(self) -> EncodedSender:
        return self._sender

    @property
    def source(self) -> FrameSource | None:
        """What is shown, or will be as soon as its keyframe comes."""
        attachment = self._pending or self._live
        return None if attachment is None else attachment.source

    @property
    def role(self) -> TrackRole | None:
        attachment = self._pending or self._live
        return None if attachment is None else attachment.role

    def attach(self, source: FrameSource, role: TrackRole) -> None:
        """Show `role` of `source`. Another track of the student already shown takes over at its
        keyframe; another student's picture is taken away at once."""
        if role.is_video != (self.kind == "video"):
            raise ValueError(f"a slot for {self.kind} cannot carry {role}")
        if self._closed:
            return
        wanted = self._pending or self._live
        if wanted is not None and wanted.source is source and wanted.role is role:
            return
        self._pending = self._drop(self._pending)
        if self._live is not None and self._live.source is source and self._live.role is role:
            return
        if self._live is not None and self._live.source.attempt != source.attempt:
            self._live = self._drop(self._live)
            self._mapping = None
        attachment = _Attachment(source, role)
        self._pending = attachment
        attachment.unsubscribe = source.subscribe(role, partial(self._on_frame, attachment))
        self._begin(attachment)

    def attach_external(self, source: FrameSource) -> None:
        """Show a track that does not come from a student's connection (the annotated one)."""
        self.attach(source, TrackRole.ANNOTATED)

    def switch(self, role: TrackRole) -> None:
        """Another track of the same student, without a black frame in between."""
        source = self.source
        if source is not None:
            self.attach(source, role)

    def detach(self) -> None:
        self._pending = self._drop(self._pending)
        self._live = self._drop(self._live)
        self._mapping = None

    def close(self) -> None:
        """Final; may be called again."""
        self._closed = True
        self.detach()
        self._sender.on_keyframe_needed = None

    @staticmethod
    def _drop(attachment: _Attachment | None) -> None:
        if attachment is not None:
            attachment.unsubscribe()

    def _begin(self, attachment: _Attachment) -> None:
        """Show what is at hand, or ask for a keyframe."""
        if not self._sender.ready:
            return
        past = attachment.source.replay(attachment.role)
        if past and self._sender.accepts(past[-1].codec):
            self._replay(attachment, past)
        else:
            attachment.source.request_keyframe(attachment.role)

    def _replay(self, attachment: _Attachment, past: Sequence[EncodedFrame]) -> None:
        self._take_over(attachment)
        newest = past[-1]
        self._timeline.join(newest, room=len(past) - 1)
        attachment.epoch = newest.epoch
        for index, frame in enumerate(past[:-1]):
            self._sender.push(frame, self._timeline.stamp_past(frame, len(past) - 1 - index))
        self._sender.push(newest, self._timeline.stamp(newest))
        self._say(attachment, past[0])

    def _take_over(self, attachment: _Attachment) -> None:
        if self._pending is attachment:
            self._drop(self._live)
            self._live, self._pending = attachment, None

    def _on_frame(self, attachment: _Attachment, frame: EncodedFrame) -> None:
        if not self._sender.ready:
            return
        if attachment is self._pending:
            if not frame.keyframe:
                return
            self._take_over(attachment)
        elif attachment is not self._live:
            return
        if attachment.epoch != frame.epoch:
            if not frame.keyframe:
                return
            attachment.epoch = frame.epoch
            self._timeline.join(frame)
            self._mapping = None
        self._sender.push(frame, self._timeline.stamp(frame))
        if self._mapping is None or (frame.keyframe and self._size_changed(frame)):
            self._say(attachment, frame)

    def _size_changed(self, frame: EncodedFrame) -> bool:
        mapping = self._mapping
        return mapping is not None and (frame.width, frame.height) != (mapping.width, mapping.height)

    def _say(self, attachment: _Attachment, keyframe: EncodedFrame) -> None:
        self._mapping = SlotMapping(
            self.mid,
            attachment.source.attempt,
            attachment.role,
            self._timeline.offset,
            keyframe.width,
            keyframe.height,
        )
        if self._on_mapping is not None:
            self._on_mapping(self._mapping)

    def _on_keyframe_needed(self) -> None:
        """The watcher cannot go on, or has just connected."""
        if self._pending is not None:
            self._begin(self._pending)
        elif self._live is not None:
            self._live.source.request_keyframe(self._live.role)
