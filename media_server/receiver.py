"""Our own RTCRtpReceiver: encoded frames out, no decoder, no thread, nothing that blocks.

Stands in for aiortc's class of that name (see `aiortc_compat`): the methods in camelCase and the
attributes with a leading underscore are what `RTCPeerConnection` and `RTCRtpTransceiver` expect.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters
from aiortc.stats import RTCStatsReport

from media_server.assembler import AssembledFrame, FrameAssembler
from media_server.audio_order import AudioOrder
from media_server.clocks import StreamClock
from media_server.codecs import depacketize, picture_size
from media_server.frames import CLOCK_RATE, Codec, EncodedFrame, FrameCallback, TrackRole
from media_server.nack import NackTracker
from media_server.pace import SLOWEST_EXPECTED, FramePace
from media_server.rtp import RtpPacket, pack_nacks, pack_pli
from media_server.stream_stats import StreamStats

if TYPE_CHECKING:
    from media_server.media_transport import MediaTransport

log = logging.getLogger(__name__)

TICK = 0.02
"""Seconds between looks at what is missing, while something is."""
KEYFRAME_INTERVAL = 0.5
"""Seconds between keyframe requests of one track, at least."""
PATIENCE = 0.18
"""Seconds a hole may hold the picture up before a keyframe is asked for beside the retransmission."""
MAX_PATIENCE = 0.35

_CODECS: dict[str, Codec] = {"video/vp8": "vp8", "video/h264": "h264", "audio/opus": "opus"}
_epochs = itertools.count(1)


@dataclass(frozen=True, slots=True)
class ReceiverStats:
    """Totals since the connection began, where not said otherwise."""

    frames: int
    keyframes: int
    frames_dropped: int
    bytes: int
    packets: int
    packets_lost: int
    packets_recovered: int
    keyframe_requests: int
    fraction_lost: float
    """0-1, before retransmission, over the last report interval."""
    jitter_ms: float
    last_frame_at: float | None
    """Server UNIX seconds."""


class _Stream:
    """All that hangs on one primary SSRC."""

    def __init__(self, ssrc: int, clock_rate: int, clock: StreamClock) -> None:
        self.ssrc = ssrc
        self.stats = StreamStats(clock_rate)
        self.clock = clock
        self.nack = NackTracker()
        self.frames = FrameAssembler()
        self.audio = AudioOrder()
        self.epoch = next(_epochs)
        self.last_report = 0
        self.last_report_at = 0.0
        self.pace = FramePace(clock_rate)


class EncodedReceiver:
    """Receives one m-line. Set `role` and `sink` before media flows."""

    def __init__(self, kind: str, transport: MediaTransport) -> None:
        self.kind = kind
        self.role = TrackRole.AUDIO if kind == "audio" else TrackRole.MAIN
        self.sink: FrameCallback | None = None
        self._track: MediaStreamTrack | None = None
        self._enabled = True
        self._transport = transport
        self._own_ssrc = 0
        self._codecs: dict[int, Codec] = {}
        self._rtx: dict[int, int] = {}
        self._stream: _Stream | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._running = False
        self._keyframe_wanted = False
        self._last_pli = 0.0
        self._frames = self._keyframes = self._keyframe_requests = 0
        self._last_frame_at: float | None = None

    # What aiortc calls.

    @property
    def track(self) -> MediaStreamTrack | None:
        return self._track

    @property
    def transport(self) -> MediaTransport:
        return self._transport

    def setTransport(self, transport: MediaTransport) -> None:  # noqa: N802
        self._transport = transport

    def _set_rtcp_ssrc(self, ssrc: int) -> None:
        self._own_ssrc = ssrc

    async def receive(self, parameters: RTCRtpReceiveParameters) -> None:
        if self._running:
            return
        for codec in parameters.codecs:
            name, base, number = codec.mimeType.lower(), codec.parameters.get("apt"), codec.payloadType
            if number is None:
                continue
            if name in _CODECS:
                self._codecs[number] = _CODECS[name]
            elif name.endswith("/rtx") and isinstance(base, int):
                self._rtx[number] = base
        self._running = True
        self._transport.add_receiver(self, parameters)

    async def stop(self) -> None:
        self._finish()
        if self._track is not None:
            self._track.stop()

    async def getStats(self) -> RTCStatsReport:  # noqa: N802
        return RTCStatsReport()

    def _handle_disconnect(self) -> None:
        self._finish()

    # What the transport calls.

    def is_rtx(self, payload_type: int) -> bool:
        return payload_type in self._rtx

    @property
    def payload_types(self) -> frozenset[int]:
        return frozenset(self._codecs) | frozenset(self._rtx)

    @property
    def primary_ssrc(self) -> int | None:
        """The SSRC of the media itself, never the one retransmissions come on."""
        return None if self._stream is None else self._stream.ssrc

    def on_rtp(self, packet: RtpPacket) -> None:
        if not self._running or not self._enabled:
            return
        base = self._rtx.get(packet.payload_type)
        codec = self._codecs.get(packet.payload_type if base is None else base)
        if codec is None:
            return
        if base is not None:
            self._on_retransmission(packet, codec)
            return
        stream = self._stream
        if stream is None or stream.ssrc != packet.ssrc:
            stream = self._begin(packet.ssrc, codec)
        sequence = stream.stats.add(packet)
        if codec == "opus":
            self._on_audio(stream, sequence, packet)
        else:
            self._on_video(stream, sequence, packet, codec)

    def on_sender_report(self, ssrc: int, ntp: int, sender_time: float, rtp_timestamp: int) -> None:
        """`ntp`: 64 bits; `sender_time`: the same in UNIX seconds of the sender."""
        stream = self._stream
        if stream is not None and stream.ssrc == ssrc:
            stream.clock.on_report(sender_time, rtp_timestamp)
            stream.last_report = ntp >> 16 & 0xFFFFFFFF
            stream.last_report_at = time.time()

    def report_block(self, now: float) -> bytes | None:
        """For a receiver report; None while nothing was received."""
        stream = self._stream
        if stream is None:
            return None
        delay = now - stream.last_report_at if stream.last_report else 0.0
        return stream.stats.report_block(stream.ssrc, stream.last_report, max(0.0, delay))

    # What our own code calls.

    def request_keyframe(self) -> None:
        """Ask the sender for a keyframe, now or when the last request is half a second old, and again
        until one comes."""
        if self.kind == "video":
            self._keyframe_wanted = True
            self._ask_for_keyframe(time.monotonic())
            self._hurry()

    def stats(self) -> ReceiverStats:
        stream = self._stream
        counts = StreamStats(1) if stream is None else stream.stats
        rate = 48_000 if self.kind == "audio" else 90_000
        return ReceiverStats(
            frames=self._frames,
            keyframes=self._keyframes,
            frames_dropped=0 if stream is None else stream.frames.dropped,
            bytes=counts.bytes,
            packets=counts.received,
            packets_lost=counts.lost,
            packets_recovered=0 if stream is None else stream.nack.recovered,
            keyframe_requests=self._keyframe_requests,
            fraction_lost=counts.fraction_lost,
            jitter_ms=1000 * counts.jitter / rate,
            last_frame_at=self._last_frame_at,
        )

    @property
    def round_trip(self) -> float | None:
        """Seconds, as estimated from retransmissions; None where there were none."""
        stream = self._stream
        return stream.nack.round_trip if stream is not None and stream.nack.recovered else None

    # Inside.

    def _begin(self, ssrc: int, codec: Codec) -> _Stream:
        rate = CLOCK_RATE[codec]
        self._stream = _Stream(ssrc, rate, StreamClock(rate, self._transport.sender_clock))
        return self._stream

    def _on_retransmission(self, packet: RtpPacket, codec: Codec) -> None:
        stream = self._stream
        if stream is None or len(packet.payload) < 2:  # bandwidth probes are padding without content
            return
        sequence = stream.stats.extend(int.from_bytes(packet.payload[:2], "big"))
        if sequence is not None:
            packet.payload = packet.payload[2:]
            self._on_video(stream, sequence, packet, codec, again=True)

    def _on_audio(self, stream: _Stream, sequence: int, packet: RtpPacket) -> None:
        for ready in stream.audio.add(sequence, packet):
            if ready.payload:
                self._emit(stream, "opus", ready.payload, ready.timestamp, ready.arrived_at, keyframe=True)

    def _on_video(
        self, stream: _Stream, sequence: int, packet: RtpPacket, codec: Codec, *, again: bool = False
    ) -> None:
        try:
            fragment = depacketize(codec, packet.payload)
        except ValueError:
            log.debug("malformed payload", extra={"codec": codec, "role": self.role.value})
            return
        now = packet.arrived_at
        stream.pace.add(packet)
        hole = stream.nack.received(sequence, now, again=again)
        frames = stream.frames.add(sequence, packet.timestamp, packet.marker, fragment, now)
        for frame in frames:
            self._on_frame(stream, codec, frame)
        if frames and (oldest := stream.frames.oldest_wanted) is not None:
            stream.nack.forget_below(oldest)
        if hole:
            self._send_nack(stream, now)
            self._hurry()
        if self._timer is None:
            self._schedule(stream, now)

    def _on_frame(self, stream: _Stream, codec: Codec, frame: AssembledFrame) -> None:
        if frame.keyframe:
            self._keyframe_wanted = False
            self._keyframes += 1
        self._emit(stream, codec, frame.data, frame.timestamp, frame.arrived_at, keyframe=frame.keyframe)

    def _emit(
        self, stream: _Stream, codec: Codec, data: bytes, timestamp: int, arrived_at: float, *, keyframe: bool
    ) -> None:
        self._frames += 1
        self._last_frame_at = arrived_at
        if self.sink is None:
            return
        size = picture_size(codec, data) if keyframe else None
        width, height = size or (None, None)
        captured_at = stream.clock.captured_at(timestamp, arrived_at)
        self.sink(
            EncodedFrame(
                self.role, codec, data, timestamp, captured_at, keyframe, width, height, stream.epoch
            )
        )

    def _hurry(self) -> None:
        """There is something to do before the timer that is running."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._stream is not None:
            self._schedule(self._stream, time.time())

    def _schedule(self, stream: _Stream, now: float) -> None:
        """Look again soon while something is missing, else when the next packet is overdue."""
        if not self._running:
            return
        if len(stream.nack) or stream.frames.blocked_since is not None or self._keyframe_wanted:
            delay = TICK
        elif (overdue := stream.pace.overdue_at()) is not None and overdue > now:
            delay = max(TICK, overdue - now)
        else:
            return
        self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        """Repeats what was asked for and has not come."""
        self._timer = None
        stream = self._stream
        if stream is None or not self._running:
            return
        now = time.time()
        overdue = stream.pace.overdue_at()
        if overdue is not None and overdue <= now < overdue + SLOWEST_EXPECTED:
            stream.nack.suspect_next(now)
        self._send_nack(stream, now)
        blocked = stream.frames.blocked_since
        if blocked is not None and now - blocked > self._patience(stream):
            self._keyframe_wanted = True
        if self._keyframe_wanted:
            self._ask_for_keyframe(time.monotonic())
        self._schedule(stream, now)

    @staticmethod
    def _patience(stream: _Stream) -> float:
        """Two answers to requests could have come by then."""
        return max(PATIENCE, min(2.5 * stream.nack.round_trip + 0.05, MAX_PATIENCE))

    def _send_nack(self, stream: _Stream, now: float) -> None:
        for packet in pack_nacks(self._own_ssrc, stream.ssrc, stream.nack.due(now)):
            self._transport.send_rtcp(packet)

    def _ask_for_keyframe(self, now: float) -> None:
        stream = self._stream
        if stream is None or now - self._last_pli < KEYFRAME_INTERVAL:
            return
        self._last_pli = now
        self._keyframe_requests += 1
        self._transport.send_rtcp(pack_pli(self._own_ssrc, stream.ssrc))

    def _finish(self) -> None:
        self._running = False
        self.sink = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport.remove_receiver(self)
