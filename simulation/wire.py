"""The browser's end of the WebSocket, for simulated students and proctors.

Logs in through a signed link as a browser does, answers requests by id, keeps the heartbeat, and comes
back by itself, with back-off, resuming where it was.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import re
import time
from collections.abc import Callable
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec

from core.errors import ProctorError
from core.tasks import cancel_and_wait
from signaling import messages as m

log = logging.getLogger(__name__)

ANSWER_S = 20.0
PING_S = 5.0
SILENCE_S = 15.0
FIRST_RETRY_S, LAST_RETRY_S = 0.4, 8.0

StudentBound: TypeAlias = (
    m.Pong | m.Ok | m.ProblemMessage | m.EventMessage | m.Bye | m.StudentWelcome | m.AttemptMessage
    | m.Content | m.Published | m.MediaState | m.Seen | m.InterventionMessage | m.TalkState
)  # fmt: skip
ProctorBound: TypeAlias = (
    m.Pong | m.Ok | m.ProblemMessage | m.EventMessage | m.Bye | m.ProctorWelcome | m.Tile | m.Watching
    | m.Mapping | m.OverlayMessage | m.WorkerState
)  # fmt: skip
A = TypeVar("A", bound=m.ServerMessage)


class LinkRefused(ProctorError):
    """The link does not lead to an exam."""

    id = "link-refused"
    status = 403
    sentence = "The link could not be used: {reason}"


class Unreachable(ProctorError):
    id = "unreachable"
    status = 503
    sentence = "There is no server at {url}. Start it with: invigil serve (or invigil demo)."


class Refused(Exception):
    """The server answered a request with a problem."""

    def __init__(self, problem: m.ProblemMessage) -> None:
        super().__init__(f"{problem.problem}: {problem.title}")
        self.problem = problem.problem


class Disconnected(Exception):
    """The socket closed before the answer came."""


def browser() -> aiohttp.ClientSession:
    """One simulated person's browser: cookies of its own, also for addresses without a name."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def follow(http: aiohttp.ClientSession, link: str) -> str:
    """Log in through a signed link; the URL of the WebSocket of what it leads to.

    Raises LinkRefused, Unreachable.
    """
    try:
        async with http.get(link, allow_redirects=False) as response:
            target = response.headers.get("Location", "")
            status = response.status
    except aiohttp.ClientConnectionError as error:
        parts = urlsplit(link)
        raise Unreachable(url=f"{parts.scheme}://{parts.netloc}") from error
    place = re.fullmatch(r"/(attempts|exams)/([A-Za-z0-9_-]+)/(session|wall)", urlsplit(target).path)
    if status not in (302, 303) or place is None:
        raise LinkRefused(reason=f"the server answered {status}.")
    parts = urlsplit(link)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}/ws/{place[1]}/{place[2]}"


class Wire:
    """`on_message` is called with every message that answers no request, `welcome` first of all after
    each (re)connection."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        bound: object,
        on_message: Callable[[m.ServerMessage], None],
    ) -> None:
        self._http = http
        self._url = url
        self._decoder: msgspec.json.Decoder[m.ServerMessage] = msgspec.json.Decoder(bound)
        self._on_message = on_message
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._ids = itertools.count(1)
        self._pending: dict[int, asyncio.Future[m.ServerMessage]] = {}
        self._seq: int | None = None
        self._heard_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self.over = asyncio.Event()
        """The server said good-bye for good."""
        self.connections = 0

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._stay(), name="wire")]

    async def aclose(self) -> None:
        await cancel_and_wait(*self._tasks)
        if self._socket is not None:
            await self._socket.close()
        self._abandon()

    def next_id(self) -> int:
        return next(self._ids)

    async def ask(self, request: m.ClientMessage, answer: type[A]) -> A:
        """Send a request (its `id` from `next_id`) and wait. Raises Refused, Disconnected, TimeoutError."""
        number: int = request.id  # type: ignore[attr-defined]
        if self._socket is None:
            raise Disconnected
        waiting = asyncio.get_running_loop().create_future()
        self._pending[number] = waiting
        try:
            await self._send(request)
            async with asyncio.timeout(ANSWER_S):
                found = await waiting
        finally:
            self._pending.pop(number, None)
        if isinstance(found, m.ProblemMessage):
            raise Refused(found)
        if not isinstance(found, answer):
            raise TypeError(f"{type(request).__name__} was answered with {type(found).__name__}")
        return found

    async def _send(self, message: m.ClientMessage) -> None:
        if self._socket is None:
            raise Disconnected
        try:
            await self._socket.send_str(msgspec.json.encode(message).decode())
        except (ConnectionError, aiohttp.ClientError) as error:
            raise Disconnected from error

    async def _stay(self) -> None:
        wait = FIRST_RETRY_S
        while not self.over.is_set():
            try:
                if await self._once():
                    wait = FIRST_RETRY_S
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                log.debug("socket lost", extra={"reason": repr(error)})
            self._abandon()
            if not self.over.is_set():
                await asyncio.sleep(wait * random.uniform(0.7, 1.3))
                wait = min(LAST_RETRY_S, wait * 2)

    async def _once(self) -> bool:
        """One connection's life; whether it was greeted."""
        greeted = False
        async with self._http.ws_connect(self._url, max_msg_size=0, compress=0) as socket:
            self._socket = socket
            self._heard_at = time.monotonic()
            await self._send(m.Hello(protocol=m.PROTOCOL, resume=self._seq))
            beat = asyncio.create_task(self._beat(socket), name="wire-heartbeat")
            try:
                async for message in socket:
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        continue
                    self._heard_at = time.monotonic()
                    greeted = True
                    self._take(self._decoder.decode(message.data))
            finally:
                self._socket = None
                await cancel_and_wait(beat)
        return greeted

    async def _beat(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while time.monotonic() - self._heard_at < SILENCE_S:
            await asyncio.sleep(PING_S)
            try:
                await self._send(m.Ping(t=time.time()))
            except Disconnected:
                return
        await socket.close()

    def _take(self, message: m.ServerMessage) -> None:
        if isinstance(message, (m.StudentWelcome, m.ProctorWelcome)):
            self.connections += 1
            self._seq = message.seq
        elif isinstance(message, m.EventMessage):
            self._seq = message.seq
        elif isinstance(message, m.Bye) and not message.reconnect:
            self.over.set()
        waiting = self._pending.get(getattr(message, "re", 0) or 0)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)
        elif not isinstance(message, m.Pong):
            self._on_message(message)

    def _abandon(self) -> None:
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_exception(Disconnected())
