"""Our own RTCRtpSender: frames are pushed in, packets leave at once; no task, no encoder, no queue.

Stands in for aiortc's class of that name (see `aiortc_compat`): the methods in camelCase and the
attributes with a leading underscore are what `RTCPeerConnection` and `RTCRtpTransceiver` expect.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtcrtpparameters import RTCRtpSendParameters
from aiortc.stats import RTCStatsReport

from media_server.codecs import packetize, vp8_descriptor
from media_server.frames import CLOCK_RATE, Codec, EncodedFrame
from media_server.rtp import (
    ExtensionIds,
    pack_abs_send_time,
    pack_bye,
    pack_header,
    pack_sender_report,
    to_ntp,
)

if TYPE_CHECKING:
    from media_server.media_transport import MediaTransport

log = logging.getLogger(__name__)

HISTORY_PACKETS = 1_024
HISTORY_BYTES = 768 * 1024
"""Kept for retransmission, whichever is reached first. The pieces are shared between watchers."""

_CODECS: dict[str, Codec] = {"video/vp8": "vp8", "video/h264": "h264", "audio/opus": "opus"}


@dataclass(slots=True)
class SenderStats:
    """Totals since the connection began, where not said otherwise."""

    frames: int = 0
    frames_dropped: int = 0
    packets: int = 0
    bytes: int = 0
    retransmitted: int = 0
    fraction_lost: float = 0.0
    """0-1, as the watcher last reported."""
    round_trip: float | None = None
    """Seconds."""


@dataclass(slots=True)
class _Sent:
    payload_type: int
    marker: bool
    timestamp: int
    descriptor: bytes
    piece: bytes


class EncodedSender:
    """Sends on one m-line."""

    def __init__(self, track_or_kind: MediaStreamTrack | str, transport: MediaTransport) -> None:
        self.kind: str = track_or_kind if isinstance(track_or_kind, str) else track_or_kind.kind
        self.on_keyframe_needed: Callable[[], None] | None = None
        """The watcher cannot decode (PLI, FIR), or packets had to be thrown away here."""
        self.stats = SenderStats()
        self._ssrc = _random(4)
        self._rtx_ssrc = _random(4)
        self._stream_id = str(uuid.uuid4())
        self._track_id = str(uuid.uuid4())
        self._enabled = True
        self._transport = transport
        self._running = False
        self._payload_types: dict[Codec, int] = {}
        self._rtx_types: dict[int, int] = {}
        self._extensions = ExtensionIds()
        # In the lower half: a wrap soon after the start confuses SRTP where the first packets are lost.
        self._sequence = _random(2) >> 1
        self._rtx_sequence = _random(2) >> 1
        self._picture_id = _random(2) >> 1
        self._history: OrderedDict[int, _Sent] = OrderedDict()
        self._history_bytes = 0
        self._skip_to_keyframe = False
        self._clock: tuple[int, float, int] | None = None
        self._reported: tuple[int, float] | None = None

    # What aiortc calls.

    @property
    def track(self) -> MediaStreamTrack | None:
        return None

    @property
    def transport(self) -> MediaTransport:
        return self._transport

    def setTransport(self, transport: MediaTransport) -> None:  # noqa: N802
        self._transport = transport

    def replaceTrack(self, track: MediaStreamTrack | None) -> None:  # noqa: N802
        if track is not None:
            raise TypeError("an EncodedSender is pushed into, it reads no track")

    async def send(self, parameters: RTCRtpSendParameters) -> None:
        if self._running:
            return
        for codec in parameters.codecs:
            name = codec.mimeType.lower()
            base, number = codec.parameters.get("apt"), codec.payloadType
            if number is None:
                continue
            if name in _CODECS:
                self._payload_types.setdefault(_CODECS[name], number)
            elif name.endswith("/rtx") and isinstance(base, int):
                self._rtx_types[base] = number
        self._extensions = ExtensionIds.of(parameters.headerExtensions)
        self._running = True
        self._transport.add_sender(self, parameters)
        if self.on_keyframe_needed is not None:
            self.on_keyframe_needed()

    async def stop(self) -> None:
        if self._running:
            self._running = False
            self._transport.send_rtcp(pack_bye(self._ssrc))
            self._transport.remove_sender(self)
        self.on_keyframe_needed = None
        self._history.clear()

    async def getStats(self) -> RTCStatsReport:  # noqa: N802
        return RTCStatsReport()

    # What the transport calls.

    @property
    def ssrc(self) -> int:
        return self._ssrc

    def on_nack(self, sequences: list[int]) -> None:
        """`sequences` as aiortc's parser gives them: those past a wrap run on beyond 16 bits."""
        for sequence in sequences:
            self._retransmit(sequence & 0xFFFF)

    def on_keyframe_request(self) -> None:
        if self.on_keyframe_needed is not None:
            self.on_keyframe_needed()

    def on_receiver_report(self, fraction_lost: float, last_report: int, delay: float, now: float) -> None:
        """`last_report` and `delay` (seconds) as in RFC 3550: they tell the round trip."""
        self.stats.fraction_lost = fraction_lost
        if self._reported is not None and self._reported[0] == last_report:
            sample = max(0.0, now - self._reported[1] - delay)
            before = self.stats.round_trip
            self.stats.round_trip = sample if before is None else 0.85 * before + 0.15 * sample

    def sender_report(self, now: float) -> bytes | None:
        """Where this stream's RTP clock stands at `now`; None before the first frame."""
        if not self._running or self._clock is None:
            return None
        timestamp, captured_at, rate = self._clock
        ntp = to_ntp(now)
        self._reported = (ntp >> 16 & 0xFFFFFFFF, now)
        current = timestamp + int((now - captured_at) * rate) & 0xFFFFFFFF
        return pack_sender_report(self._ssrc, ntp, current, self.stats.packets, self.stats.bytes)

    # What our own code calls.

    @property
    def ready(self) -> bool:
        """Connected: a frame that is pushed now leaves."""
        return self._running and self._enabled

    def name_stream(self, name: str) -> None:
        """Streams of one name are played in sync by browsers; before the answer is made."""
        self._stream_id = name

    def accepts(self, codec: Codec) -> bool:
        """Whether the other side negotiated `codec`; True before negotiation has ended."""
        return not self._payload_types or codec in self._payload_types

    def push(self, frame: EncodedFrame, timestamp: int) -> bool:
        """Send the frame now, under RTP `timestamp` (32 bits). False where it was dropped: not connected,
        a codec that was not negotiated, or a socket that is full; then everything is dropped up to the
        next keyframe, which is asked for."""
        payload_type = self._payload_types.get(frame.codec)
        if not self.ready or payload_type is None:
            return False
        if self._skip_to_keyframe and not frame.keyframe:
            self.stats.frames_dropped += 1
            return False
        if self._transport.congested:
            self._drop()
            return False
        self._skip_to_keyframe = False
        now = time.time()
        self._clock = (timestamp, frame.captured_at, CLOCK_RATE[frame.codec])
        self._send_pieces(frame, payload_type, timestamp, now)
        self.stats.frames += 1
        return True

    def _drop(self) -> None:
        self.stats.frames_dropped += 1
        if self.kind == "video" and not self._skip_to_keyframe:
            self._skip_to_keyframe = True
            self.on_keyframe_request()

    def _send_pieces(self, frame: EncodedFrame, payload_type: int, timestamp: int, now: float) -> None:
        pieces = packetize(frame)
        is_vp8, is_video = frame.codec == "vp8", frame.codec != "opus"
        extension = self._extension(now)
        last = len(pieces) - 1
        descriptor = vp8_descriptor(self._picture_id, start=True) if is_vp8 else b""
        for index, piece in enumerate(pieces):
            if index == 1 and is_vp8:
                descriptor = vp8_descriptor(self._picture_id, start=False)
            marker = is_video and index == last
            header = pack_header(
                payload_type, marker, self._sequence, timestamp, self._ssrc, extended=bool(extension)
            )
            self._transport.send_rtp(b"".join((header, extension, descriptor, piece)))
            if is_video:
                self._remember(_Sent(payload_type, marker, timestamp, descriptor, piece))
            self._sequence = self._sequence + 1 & 0xFFFF
            self.stats.packets += 1
            self.stats.bytes += len(piece) + len(descriptor)
        self._picture_id = self._picture_id + 1 & 0x7FFF

    def _extension(self, now: float) -> bytes:
        number = self._extensions.abs_send_time
        return pack_abs_send_time(number, now) if 0 < number < 15 else b""

    def _remember(self, sent: _Sent) -> None:
        history = self._history
        history.pop(self._sequence, None)
        history[self._sequence] = sent
        self._history_bytes += len(sent.piece)
        while len(history) > HISTORY_PACKETS or self._history_bytes > HISTORY_BYTES:
            _, oldest = history.popitem(last=False)
            self._history_bytes -= len(oldest.piece)

    def _retransmit(self, sequence: int) -> None:
        sent = self._history.get(sequence)
        if sent is None or not self._running:
            return
        extension = self._extension(time.time())
        rtx_type = self._rtx_types.get(sent.payload_type)
        if rtx_type is None:
            header = pack_header(
                sent.payload_type, sent.marker, sequence, sent.timestamp, self._ssrc, extended=bool(extension)
            )
            body = sent.descriptor
        else:
            header = pack_header(
                rtx_type, sent.marker, self._rtx_sequence, sent.timestamp, self._rtx_ssrc,
                extended=bool(extension),
            )  # fmt: skip
            body = sequence.to_bytes(2, "big") + sent.descriptor
            self._rtx_sequence = self._rtx_sequence + 1 & 0xFFFF
        self._transport.send_rtp(b"".join((header, extension, body, sent.piece)))
        self.stats.retransmitted += 1


def _random(size: int) -> int:
    return int.from_bytes(os.urandom(size), "big")
