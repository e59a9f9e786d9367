"""A bad network that needs no root: a UDP relay whose address stands in the answer instead of the
server's. Works between any two ICE agents on this machine, real browsers included.

    async with NetworkEmulator(Conditions(loss=0.1, delay=0.05)) as network:
        answer = await feed.connect(network.hide(offer), roles)
        await page_accepts(await network.route(answer))
        network.conditions.loss = 0.0      # may be changed while packets flow

Both directions pass through; `conditions` hold for each of them.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Address = tuple[str, int]
_CANDIDATE = re.compile(r"^(a=candidate:\S+ \d+ udp \d+ )(\S+) (\d+)( typ host.*)$", re.IGNORECASE)


@dataclass
class Conditions:
    """What happens to packets on their way, in each direction."""

    loss: float = 0.0
    """0-1."""
    burst: float = 1.0
    """Mean packets lost in a row; above 1 the losses come in bursts (Gilbert model), as many as before."""
    delay: float = 0.0
    """Seconds, one way."""
    jitter: float = 0.0
    """Seconds added at random, 0 to this; packets may overtake each other only with `reorder`."""
    reorder: bool = False
    rate: float | None = None
    """bit/s; None for as fast as it goes."""
    queue: float = 0.3
    """Seconds of traffic that may wait where `rate` is set; what is more is lost."""
    cut: bool = False
    """Nothing passes."""


@dataclass
class Counts:
    passed: int = 0
    lost: int = 0


class _Direction:
    """One way of one flow."""

    def __init__(self, network: NetworkEmulator, deliver: Callable[[bytes], None], *, up: bool) -> None:
        self._network = network
        self._deliver = deliver
        self._up = up
        self._in_burst = False
        self._link_free_at = 0.0
        self._last_due = 0.0

    def send(self, data: bytes) -> None:
        network = self._network
        counts = network.up if self._up else network.down
        due = None if self._lost(data) else self._due(len(data))
        if due is None:
            counts.lost += 1
            return
        counts.passed += 1
        asyncio.get_running_loop().call_at(due, self._arrive, data)

    def _arrive(self, data: bytes) -> None:
        if not self._network.closed:
            self._deliver(data)

    def _lost(self, data: bytes) -> bool:
        conditions = self._network.conditions
        if conditions.cut or (self._network.drop is not None and self._network.drop(data, self._up)):
            return True
        if conditions.loss <= 0:
            return False
        chance = self._network.random.random()
        if conditions.burst <= 1:
            return chance < conditions.loss
        leave = 1 / conditions.burst
        enter = conditions.loss * leave / max(1e-9, 1 - conditions.loss)
        self._in_burst = chance >= leave if self._in_burst else chance < enter
        return self._in_burst

    def _due(self, size: int) -> float | None:
        """Loop time of delivery; None where the queue is full."""
        conditions = self._network.conditions
        now = due = asyncio.get_running_loop().time()
        if conditions.rate is not None:
            begins = max(now, self._link_free_at)
            if begins - now > conditions.queue:
                return None
            self._link_free_at = due = begins + 8 * (size + 28) / conditions.rate
        due += conditions.delay + conditions.jitter * self._network.random.random()
        if not conditions.reorder:
            due = max(due, self._last_due)
        self._last_due = due
        return due


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes, Address], None]) -> None:
        self._received = received
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport) or hasattr(transport, "sendto")
        self.transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._received(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """A peer that is gone is no concern of the network."""


class _Front:
    """Stands for one of the server's addresses; each client behind it gets a socket of its own."""

    def __init__(self, network: NetworkEmulator, server: Address) -> None:
        self._network = network
        self._server = server
        self._flows: dict[Address, _Direction] = {}
        self.socket = _Socket(self._from_client)

    def _from_client(self, data: bytes, client: Address) -> None:
        flow = self._flows.get(client)
        if flow is None:
            flow = self._flows[client] = self._open(client)
        flow.send(data)

    def _open(self, client: Address) -> _Direction:
        waiting: list[bytes] = []
        front = self.socket.transport
        assert front is not None
        down = _Direction(self._network, lambda data: front.sendto(data, client), up=False)
        back = _Socket(lambda data, _: down.send(data))

        def deliver(data: bytes) -> None:
            if back.transport is None:
                waiting.append(data)
            elif not back.transport.is_closing():
                back.transport.sendto(data, self._server)

        async def bind() -> None:
            await self._network._bind(back, self._server[0])
            for data in waiting:
                deliver(data)

        self._network._start(bind())
        return _Direction(self._network, deliver, up=True)


class NetworkEmulator:
    """Use as an async context manager; everything is closed at its end."""

    def __init__(self, conditions: Conditions | None = None, seed: int = 1) -> None:
        self.conditions = conditions or Conditions()
        self.random = random.Random(seed)
        self.drop: Callable[[bytes, bool], bool] | None = None
        """(packet, towards the server) -> lose it. RTP headers can be read, payloads are encrypted."""
        self.up = Counts()
        """Towards the server."""
        self.down = Counts()
        self.closed = False
        self._transports: list[asyncio.DatagramTransport] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> NetworkEmulator:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.closed = True
        for task in self._tasks:
            task.cancel()
        for transport in self._transports:
            transport.close()

    @staticmethod
    def hide(offer: str) -> str:
        """The offer without candidates: the server must not find a way around the network."""
        kept = [line for line in offer.splitlines() if not line.startswith("a=candidate:")]
        return "\r\n".join(kept) + "\r\n"

    async def route(self, answer: str) -> str:
        """The answer with the network's addresses in place of the server's (IPv4; others are left out)."""
        fronts: dict[Address, Address] = {}
        lines: list[str] = []
        for line in answer.splitlines():
            match = _CANDIDATE.match(line)
            if match is not None:
                server = (match[2], int(match[3]))
                if ":" in server[0]:
                    continue
                if server not in fronts:
                    fronts[server] = await self._open_front(server)
                host, port = fronts[server]
                line = f"{match[1]}{host} {port}{match[4]}"
            elif line.startswith("a=candidate:"):
                continue
            lines.append(line)
        return "\r\n".join(lines) + "\r\n"

    async def _open_front(self, server: Address) -> Address:
        front = _Front(self, server)
        transport = await self._bind(front.socket, server[0])
        host, port = transport.get_extra_info("sockname")[:2]
        return str(host), int(port)

    async def _bind(self, protocol: _Socket, host: str) -> asyncio.DatagramTransport:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: protocol, local_addr=(host, 0))
        self._transports.append(transport)
        return transport

    def _start(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
