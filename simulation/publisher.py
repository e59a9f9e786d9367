"""Keeps a simulated student's media arriving: one peer connection after the other, as long as it takes."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

from core.tasks import cancel_and_wait
from media_server.frames import TrackRole
from signaling import messages as m
from simulation.peering import OfferingPeer, PeerLost
from simulation.player import Player
from simulation.wire import Disconnected, Refused, Wire
from transport.messages import Role

log = logging.getLogger(__name__)

FIRST_RETRY_S, LAST_RETRY_S = 0.5, 5.0


class Publisher:
    """`on_change` is called with True when media is connected and False when it is lost."""

    def __init__(self, wire: Wire, player: Player, on_change: Callable[[bool], None]) -> None:
        self.connections = 0
        """Peer connections that came to be."""
        self._wire = wire
        self._player = player
        self._on_change = on_change
        self._again = asyncio.Event()

    def republish(self) -> None:
        """The media process restarted: the connection there is, is dead."""
        self._again.set()

    async def run(self) -> None:
        """Until cancelled."""
        wait = FIRST_RETRY_S
        while True:
            before = self.connections
            try:
                await self._one_connection()
            except (PeerLost, Disconnected, Refused, TimeoutError) as error:
                log.debug("publishing failed", extra={"reason": repr(error)})
            wait = FIRST_RETRY_S if self.connections > before else min(LAST_RETRY_S, wait * 2)
            await asyncio.sleep(wait * random.uniform(0.7, 1.3))

    async def _one_connection(self) -> None:
        """From the offer to the loss."""
        self._again.clear()
        peer = OfferingPeer()
        try:
            for role in self._player.roles:
                # Sound comes back too: what a proctor says to the student.
                way = "sendonly" if role.is_video else "sendrecv"
                peer.connection.addTransceiver("video" if role.is_video else "audio", direction=way)
            await peer.connect(lambda offer: self._exchange(peer, offer))
            sections = peer.connection.sections()
            self._player.play_into(
                {role: section.sender for role, section in zip(self._player.roles, sections, strict=True)}
            )
            self.connections += 1
            self._on_change(True)
            await self._until_lost(peer)
        finally:
            self._player.play_into({})
            self._on_change(False)
            await peer.aclose()

    async def _exchange(self, peer: OfferingPeer, offer: str) -> str:
        roles = zip(self._player.roles, peer.connection.sections(), strict=True)
        tracks = {section.mid: _WIRE_ROLES[role] for role, section in roles}
        request = m.Publish(id=self._wire.next_id(), sdp=offer, tracks=tracks)
        return (await self._wire.ask(request, m.Published)).sdp

    async def _until_lost(self, peer: OfferingPeer) -> None:
        lost = asyncio.create_task(peer.lost())
        again = asyncio.create_task(self._again.wait())
        try:
            await asyncio.wait({lost, again}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_and_wait(lost, again)


_WIRE_ROLES: dict[TrackRole, Role] = {
    TrackRole.MAIN: "main",
    TrackRole.LOW: "low",
    TrackRole.SCREEN: "screen",
    TrackRole.AUDIO: "audio",
}
