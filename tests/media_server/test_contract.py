"""What we use of aiortc and aioice beyond what they promise is still there."""

import aiortc
from aiortc import RTCPeerConnection

from media_server.aiortc_compat import MediaPeerConnection, missing_names
from media_server.media_transport import MediaTransport
from media_server.receiver import EncodedReceiver
from media_server.sender import EncodedSender


async def test_the_private_names_we_need_are_there() -> None:
    missing = missing_names()
    assert not missing, f"aiortc {aiortc.__version__} does not fit media_server:\n" + "\n".join(missing)


async def test_our_classes_are_put_in_and_stock_connections_keep_their_own() -> None:
    ours, stock = MediaPeerConnection(), RTCPeerConnection()
    try:
        mine = ours.addTransceiver("video")
        theirs = stock.addTransceiver("video")
        assert isinstance(mine.receiver, EncodedReceiver)
        assert isinstance(mine.sender, EncodedSender)
        assert isinstance(mine.receiver.transport, MediaTransport)
        assert type(theirs.receiver) is aiortc.RTCRtpReceiver
        assert type(theirs.sender) is aiortc.RTCRtpSender
        assert not isinstance(theirs.receiver.transport, MediaTransport)
    finally:
        await ours.close()
        await stock.close()
