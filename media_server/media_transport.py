"""DTLS-SRTP for many streams without a queue or a task switch for a packet.

aiortc passes every datagram through a queue to a task, parses it generously and awaits its way to the
receiver; per packet that costs more than decryption. Here media is taken off in the socket's callback
and goes straight to the frame's subscribers, and what is sent goes straight to the socket. ICE and DTLS
go their usual way. Also here: routing of streams to receivers, and the reports of RTCP.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any, cast

from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters, RTCRtpSendParameters
from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, RtcpRrPacket, RtcpRtpfbPacket, RtcpSrPacket
from pylibsrtp import Error as SrtpError

from media_server.bandwidth import BandwidthEstimator
from media_server.clocks import SenderClock
from media_server.receiver import EncodedReceiver
from media_server.rtp import (
    ExtensionIds,
    RtpPacket,
    from_ntp,
    pack_receiver_report,
    pack_remb,
    parse_rtp,
)
from media_server.sender import EncodedSender

MAX_LEARNED_SSRCS = 64
"""SSRCs accepted beyond those in the description; a browser uses a handful."""
MAX_SEND_BUFFER = 256 * 1024
"""Bytes waiting in the socket above which nothing more is sent."""
REPORT_INTERVAL = 1.0
DELAY_SAMPLING = 3
"""Packets from one look at a packet's delay to the next: only the least of a window counts."""
_COMPOUND_LIMIT = 1_100
_NACK, _PLI, _FIR, _APP = 1, 1, 4, 15


class MediaTransport(RTCDtlsTransport):
    """DTLS-SRTP for many streams: what comes in is dispatched in the socket's callback, without a
    queue or a task switch; what goes out is written to the socket by the caller."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.sender_clock = SenderClock()
        self.bandwidth = BandwidthEstimator()
        self.last_packet_at: float | None = None
        """Server UNIX seconds of the last RTP packet."""
        self.rtp_received = self.rtp_unrouted = self.sent_bytes = self.received_bytes = 0
        self._ids = ExtensionIds()
        self._by_ssrc: dict[int, EncodedReceiver] = {}
        self._by_mid: dict[str, EncodedReceiver] = {}
        self._receivers: list[EncodedReceiver] = []
        self._senders: dict[int, EncodedSender] = {}
        self._learned = 0
        self._pulse: asyncio.TimerHandle | None = None
        self._last_report = 0.0
        self._hooked: list[Any] = []
        self._open = False
        self.on("statechange", self._note_state)

    def _note_state(self) -> None:
        """Kept as a flag: the state is asked for with every packet, and aiortc spells it out each time."""
        self._open = self.state == "connected"

    # Registration, by our receivers and senders.

    def add_receiver(self, receiver: EncodedReceiver, parameters: RTCRtpReceiveParameters) -> None:
        self._note_extensions(ExtensionIds.of(parameters.headerExtensions))
        self._receivers.append(receiver)
        self._rtp_router.receivers.add(cast(Any, receiver))  # to hear of the disconnection
        if parameters.muxId:
            self._by_mid[parameters.muxId] = receiver
        for encoding in parameters.encodings:
            self._by_ssrc[encoding.ssrc] = receiver
            if encoding.rtx is not None:
                self._by_ssrc[encoding.rtx.ssrc] = receiver
        self._start_pulse()

    def remove_receiver(self, receiver: EncodedReceiver) -> None:
        if receiver in self._receivers:
            self._receivers.remove(receiver)
        self._rtp_router.receivers.discard(cast(Any, receiver))
        self._by_mid = {mid: other for mid, other in self._by_mid.items() if other is not receiver}
        self._by_ssrc = {ssrc: other for ssrc, other in self._by_ssrc.items() if other is not receiver}

    def add_sender(self, sender: EncodedSender, parameters: RTCRtpSendParameters) -> None:
        self._senders[sender.ssrc] = sender
        self._start_pulse()

    def remove_sender(self, sender: EncodedSender) -> None:
        self._senders.pop(sender.ssrc, None)

    def _note_extensions(self, ids: ExtensionIds) -> None:
        self._ids = ExtensionIds(ids.mid or self._ids.mid, ids.abs_send_time or self._ids.abs_send_time)

    # Out.

    @property
    def congested(self) -> bool:
        pair = self.transport._connection._nominated.get(1)
        if pair is None:
            return False
        socket: Any = pair.protocol.transport
        return bool(socket.get_write_buffer_size() > MAX_SEND_BUFFER)

    def send_rtp(self, packet: bytes) -> None:
        """Protect and send; silently nothing while not connected."""
        if self._open:
            self._write(self._tx_srtp.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        if self._open:
            self._write(self._tx_srtp.protect_rtcp(packet))

    def _write(self, data: bytes) -> None:
        pair = self.transport._connection._nominated.get(1)
        if pair is not None:
            pair.protocol.transport.sendto(data, pair.remote_addr)
            self.sent_bytes += len(data)

    # In.

    async def start(self, *args: Any) -> None:
        await super().start(*args)
        if self._open:
            self._hook()

    async def stop(self) -> None:
        self._unhook()
        await super().stop()

    def _hook(self) -> None:
        """Take media out of the datagram callbacks; ICE and DTLS go their usual way."""
        protocols: list[Any] = list(self.transport._connection._protocols)
        for protocol in protocols:
            protocol.datagram_received = self._divert(protocol.datagram_received)
            self._hooked.append(protocol)

    def _unhook(self) -> None:
        for protocol in self._hooked:
            protocol.__dict__.pop("datagram_received", None)
        self._hooked.clear()
        if self._pulse is not None:
            self._pulse.cancel()
            self._pulse = None

    def _divert(self, usual: Callable[[bytes, Any], None]) -> Callable[[bytes, Any], None]:
        def datagram_received(data: bytes, addr: Any) -> None:
            if data and 127 < data[0] < 192:
                self._on_srtp(data)
            else:
                usual(data, addr)

        return datagram_received

    def _on_srtp(self, data: bytes) -> None:
        self.received_bytes += len(data)
        try:
            if 192 <= data[1] <= 208:
                self._on_rtcp(self._rx_srtp.unprotect_rtcp(data))
            else:
                self._on_rtp(self._rx_srtp.unprotect(data))
        except (SrtpError, ValueError, IndexError):
            self.rtp_unrouted += 1

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        self._on_rtp(data)

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._on_rtcp(data)

    def _on_rtp(self, data: bytes) -> None:
        now = time.time()
        packet = parse_rtp(data, now)
        self.last_packet_at = now
        self.rtp_received += 1
        self.bandwidth.add_bytes(len(data))
        if self._ids.abs_send_time and self.rtp_received % DELAY_SAMPLING == 0:
            stamp = packet.extension(self._ids.abs_send_time)
            if stamp is not None and len(stamp) == 3:
                self.bandwidth.add_delay(int.from_bytes(stamp, "big"), now)
        receiver = self._by_ssrc.get(packet.ssrc) or self._learn(packet)
        if receiver is None:
            self.rtp_unrouted += 1
        else:
            receiver.on_rtp(packet)

    def _learn(self, packet: RtpPacket) -> EncodedReceiver | None:
        """Whose an SSRC is that the description did not name: by its mid (browsers send it until they
        know it was heard, on retransmissions too), else by a payload type that only one track has."""
        receiver = None
        mid = packet.extension(self._ids.mid) if self._ids.mid else None
        if mid is not None:
            receiver = self._by_mid.get(mid.decode("utf-8", "replace"))
        else:
            candidates = [one for one in self._receivers if packet.payload_type in one.payload_types]
            if len(candidates) == 1:
                receiver = candidates[0]
        if receiver is not None and self._learned < MAX_LEARNED_SSRCS:
            self._learned += 1
            self._by_ssrc[packet.ssrc] = receiver
        return receiver

    def _on_rtcp(self, data: bytes) -> None:
        now = time.time()
        for packet in RtcpPacket.parse(data):
            if isinstance(packet, RtcpSrPacket):
                self._on_sender_report(packet, now)
            if isinstance(packet, (RtcpSrPacket, RtcpRrPacket)):
                for block in packet.reports:
                    if sender := self._senders.get(block.ssrc):
                        sender.on_receiver_report(
                            block.fraction_lost / 256, block.lsr, block.dlsr / 65_536, now
                        )
            elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == _NACK:
                if sender := self._senders.get(packet.media_ssrc):
                    sender.on_nack(packet.lost)
            elif isinstance(packet, RtcpPsfbPacket):
                self._on_payload_feedback(packet)

    def _on_sender_report(self, packet: RtcpSrPacket, now: float) -> None:
        receiver = self._by_ssrc.get(packet.ssrc)
        info = packet.sender_info
        if receiver is None or packet.ssrc != receiver.primary_ssrc or not info.ntp_timestamp:
            return
        sender_time = from_ntp(info.ntp_timestamp)
        self.sender_clock.observe(sender_time, now)
        receiver.on_sender_report(packet.ssrc, info.ntp_timestamp, sender_time, info.rtp_timestamp)

    def _on_payload_feedback(self, packet: RtcpPsfbPacket) -> None:
        if packet.fmt == _PLI:
            wanted = [packet.media_ssrc]
        elif packet.fmt == _FIR:  # its target stands in the FCI, media_ssrc is zero
            wanted = [
                int.from_bytes(packet.fci[pos : pos + 4], "big") for pos in range(0, len(packet.fci), 8)
            ]
        else:
            return
        for ssrc in wanted:
            if sender := self._senders.get(ssrc):
                sender.on_keyframe_request()

    # Reports: one timer for all streams of the connection.

    def _start_pulse(self) -> None:
        if self._pulse is None and self._open:
            self._pulse = asyncio.get_running_loop().call_later(0.25, self._on_pulse)

    def _on_pulse(self) -> None:
        self._pulse = None
        if not self._open:
            return
        now = time.time()
        urgent = bool(self._receivers) and self.bandwidth.update(now)
        if urgent or now - self._last_report >= REPORT_INTERVAL * random.uniform(0.75, 1.1):
            self._last_report = now
            self._send_reports(now)
        self._start_pulse()

    def _send_reports(self, now: float) -> None:
        own = next(iter(self._senders), 1)
        parts = [report for sender in self._senders.values() if (report := sender.sender_report(now))]
        blocks = [block for receiver in self._receivers if (block := receiver.report_block(now))]
        parts += [pack_receiver_report(own, blocks[pos : pos + 31]) for pos in range(0, len(blocks), 31)]
        video = [one.primary_ssrc for one in self._receivers if one.kind == "video" and one.primary_ssrc]
        if video:
            parts.append(pack_remb(own, self.bandwidth.estimate, video))
        compound = b""
        for part in parts:
            if compound and len(compound) + len(part) > _COMPOUND_LIMIT:
                self.send_rtcp(compound)
                compound = b""
            compound += part
        if compound:
            self.send_rtcp(compound)

    # What a person may want to know.

    def candidate_types(self) -> tuple[str, str] | None:
        """(local, remote) of the pair in use: host, srflx, prflx or relay; None while there is none."""
        pair = self.transport._connection._nominated.get(1)
        return None if pair is None else (pair.local_candidate.type, pair.remote_candidate.type)
