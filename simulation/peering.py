"""Peer connections from the browser's side: they offer, the server answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiortc import RTCSessionDescription

from media_server.aiortc_compat import MediaPeerConnection

CONNECT_S = 12.0


class PeerLost(Exception):
    """The connection could not be made, or broke."""


class OfferingPeer:
    """One connection's life. Cheap: compressed frames go in and come out, nothing is decoded."""

    def __init__(self) -> None:
        self.connection = MediaPeerConnection()
        self._lost = asyncio.Event()
        self._connected = asyncio.Event()
        self.connection.on("connectionstatechange", self._on_state)

    async def connect(self, exchange: Callable[[str], Awaitable[str]]) -> None:
        """Offer through `exchange`, which brings the answer; back once media can flow. Raises PeerLost."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        answer = await exchange(self.connection.localDescription.sdp)
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._connected.wait()
        except TimeoutError:
            raise PeerLost("not connected in time") from None
        if self._lost.is_set():
            raise PeerLost("lost while connecting")

    async def lost(self) -> None:
        """Back when the connection is gone."""
        await self._lost.wait()

    async def aclose(self) -> None:
        self._lost.set()
        await self.connection.close()

    def _on_state(self) -> None:
        state = self.connection.connectionState
        if state == "connected":
            self._connected.set()
        elif state in ("failed", "closed"):
            self._connected.set()
            self._lost.set()
