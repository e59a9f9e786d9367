"""Our transport, receiver and sender inside aiortc's RTCPeerConnection.

Here, in `media_transport`, `receiver` and `sender` we reach into aiortc 1.16 and aioice 0.13 beyond
what they promise, and nowhere else. Stock connections in the same process stay as they are. Every
private name used is listed here; `missing_names()` says which of them are gone, in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import aioice.ice
import aiortc.rtcpeerconnection as upstream
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpTransceiver
from aiortc.codecs import get_capabilities
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtcconfiguration import RTCBundlePolicy
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpCodecCapability

from media_server.media_transport import MediaTransport
from media_server.receiver import EncodedReceiver
from media_server.sender import EncodedSender


class MediaPeerConnection(RTCPeerConnection):
    """An RTCPeerConnection that moves encoded frames. One transport for everything; asks no STUN server
    (a server that waits for one stalls up to five seconds at every connection)."""

    def __init__(self) -> None:
        super().__init__(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))

    def _RTCPeerConnection__createTransceiver(  # noqa: N802
        self, direction: str, kind: str, sender_track: MediaStreamTrack | None = None
    ) -> RTCRtpTransceiver:
        make = cast(Any, RTCPeerConnection)._RTCPeerConnection__createTransceiver
        with _our_classes():
            transceiver: RTCRtpTransceiver = make(self, direction, kind, sender_track)
        if kind == "video":
            transceiver.setCodecPreferences(_VIDEO_PREFERENCE)
        return transceiver

    @property
    def media_transport(self) -> MediaTransport | None:
        """None before the first description."""
        transceivers = self.getTransceivers()
        return cast(MediaTransport, transceivers[0].receiver.transport) if transceivers else None

    def sections(self) -> list[MediaSection]:
        """The media sections agreed on so far."""
        return [MediaSection(transceiver) for transceiver in self.getTransceivers()]


class MediaSection:
    """A transceiver of a MediaPeerConnection: one m-line, with our receiver and sender."""

    def __init__(self, transceiver: RTCRtpTransceiver) -> None:
        self._transceiver = transceiver
        self.mid = transceiver.mid or ""
        self.kind = transceiver.kind
        self.receiver = cast(EncodedReceiver, transceiver.receiver)
        self.sender = cast(EncodedSender, transceiver.sender)

    def direct(self, direction: str) -> None:
        """sendrecv, sendonly, recvonly or inactive, from our side; before the answer is made."""
        self._transceiver.direction = direction


def _preferred_video() -> list[RTCRtpCodecCapability]:
    """VP8 first, H.264 where a browser has nothing else, with retransmission."""
    order = {"video/vp8": 0, "video/h264": 1, "video/rtx": 2}
    codecs = [codec for codec in get_capabilities("video").codecs if codec.mimeType.lower() in order]
    return sorted(codecs, key=lambda codec: order[codec.mimeType.lower()])


_VIDEO_PREFERENCE = _preferred_video()


@contextmanager
def _our_classes() -> Iterator[None]:
    """aiortc looks its classes up as module globals while it makes a transceiver; within this (without
    an await, so no other connection gets in between) it finds ours."""
    ours = {
        "RTCDtlsTransport": MediaTransport,
        "RTCRtpReceiver": EncodedReceiver,
        "RTCRtpSender": EncodedSender,
    }
    stock = {name: getattr(upstream, name) for name in ours}
    try:
        for name, value in ours.items():
            setattr(upstream, name, value)
        yield
    finally:
        for name, value in stock.items():
            setattr(upstream, name, value)


@dataclass(frozen=True, slots=True)
class Needed:
    """A private name of a library and what we need it for."""

    owner: Any
    name: str
    purpose: str


CONTRACT = (
    Needed(RTCPeerConnection, "_RTCPeerConnection__createTransceiver", "to put our classes in"),
    Needed(upstream, "RTCDtlsTransport", "to be found as ours when a transport is made"),
    Needed(upstream, "RTCRtpReceiver", "to be found as ours when a transceiver is made"),
    Needed(upstream, "RTCRtpSender", "to be found as ours when a transceiver is made"),
    Needed(RTCDtlsTransport, "_handle_rtp_data", "for RTP that comes before the fast path is up"),
    Needed(RTCDtlsTransport, "_handle_rtcp_data", "for RTCP that comes before the fast path is up"),
    Needed(RTCDtlsTransport, "_register_rtp_receiver", "as the sign that receivers register themselves"),
    Needed(aioice.ice.StunProtocol, "datagram_received", "to take media off the socket"),
    Needed(aioice.ice.CandidatePair, "remote_addr", "to send media to"),
    Needed(aioice.ice.CandidatePair, "local_candidate", "to tell people how they are connected"),
)
"""Names of classes and modules."""


def missing_names() -> list[str]:
    """What the installed aiortc and aioice lack of what we use, one sentence each. Needs a running loop."""
    return [
        f"{_called(needed.owner)}.{needed.name} is gone; it is needed {needed.purpose}"
        for needed in (*CONTRACT, *_needed_of_instances())
        if not hasattr(needed.owner, needed.name)
    ]


def _called(owner: Any) -> str:
    return str(getattr(owner, "__name__", type(owner).__name__))


def _needed_of_instances() -> list[Needed]:
    """Names that only objects have."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    transceiver = connection.addTransceiver("video")
    transport = transceiver.receiver.transport
    ice: Any = transport.transport
    needed = [
        Needed(transport, "_rtp_router", "to hear of disconnections"),
        Needed(transport, "_rx_srtp", "to decrypt media"),
        Needed(transport, "_tx_srtp", "to encrypt media"),
        Needed(transport._rtp_router, "receivers", "to hear of disconnections"),
        Needed(ice, "_connection", "to reach the sockets"),
        Needed(transceiver.sender, "_ssrc", "as connections read it into the answer"),
        Needed(transceiver.sender, "_rtx_ssrc", "as connections read it into the answer"),
        Needed(transceiver.sender, "_stream_id", "to say which tracks are played in sync"),
        Needed(transceiver.sender, "_track_id", "as connections read it into the answer"),
        Needed(transceiver.sender, "_enabled", "as transceivers set it"),
        Needed(transceiver.receiver, "_track", "as connections set it"),
        Needed(transceiver.receiver, "_set_rtcp_ssrc", "as connections call it"),
    ]
    if hasattr(ice, "_connection"):
        needed.append(Needed(ice._connection, "_nominated", "to know the path in use"))
        needed.append(Needed(ice._connection, "_protocols", "to take media off the sockets"))
    return needed
