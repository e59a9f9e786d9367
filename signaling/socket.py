"""A session on a real WebSocket: reading, a bounded writer, the heartbeat.

Requests of one socket are carried out one after the other, in the order they came; pings are answered
at once even while a request takes its time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from core.errors import ProctorError
from core.tasks import cancel_and_wait
from signaling.messages import AnyClientMessage, Bye, ServerMessage
from signaling.outbox import Outbox
from signaling.session import (
    Answer,
    Greeted,
    Limits,
    Received,
    Refused,
    Session,
    Side,
    TooManyMessages,
    problem,
)

log = logging.getLogger(__name__)

FAREWELL_S = 2.0
"""How long a socket that ends may take to write its good-bye."""
WAITING_REQUESTS = 128
REQUEST_S = 10.0
"""How long a request that has begun may go on after its socket ended."""


class Internal(ProctorError):
    """What a request gets when the server has a bug: the log has the rest."""


class Participant(Protocol):
    """Who a socket belongs to: what it is told and what it may ask."""

    async def greeted(self, socket: Socket, resume: int | None) -> None:
        """Say welcome, tell what was missed, and take part from now on."""

    async def handle(self, message: AnyClientMessage) -> ServerMessage | None:
        """Carry a request out; the answer, if it has one. Raises ProctorError: nothing was changed."""

    async def left(self) -> None:
        """The socket has ended. Called once, and only after `greeted`."""


class Socket:
    """One browser's socket. `tell` and `tell_latest` never block; `end` may be called from anywhere."""

    def __init__(
        self,
        response: web.WebSocketResponse,
        side: Side,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
        outbox: Outbox | None = None,
    ) -> None:
        self._response = response
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._session = Session(side, self._loop.time(), limits)
        self._outbox = Outbox() if outbox is None else outbox
        self._requests: asyncio.Queue[AnyClientMessage | Greeted | None] = asyncio.Queue(WAITING_REQUESTS)
        self._ending: asyncio.Future[Bye] = self._loop.create_future()

    def tell(self, message: ServerMessage) -> None:
        """Something that lasts. Never dropped: who cannot keep up is sent away to come back and resume."""
        if self._ending.done():
            return
        self._outbox.put(message)
        if self._outbox.overrun:
            log.warning("a socket reads too slowly", extra={"waiting": len(self._outbox)})
            self.end(Bye(reason="too-slow", reconnect=True))

    def tell_latest(self, key: str, message: ServerMessage) -> None:
        """Something that only matters now: the newest of a key is sent."""
        if not self._ending.done():
            self._outbox.put_latest(key, message)

    def end(self, bye: Bye) -> None:
        if not self._ending.done():
            self._ending.set_result(bye)

    async def run(self, participant: Participant) -> None:
        """Serve until either side ends it. The participant is greeted after hello and left at the end."""
        work = asyncio.create_task(self._work(participant), name="socket.work")
        write = asyncio.create_task(self._write(), name="socket.write")
        read = asyncio.create_task(self._read(), name="socket.read")
        over: set[asyncio.Future[Any]] = {write, read, self._ending}
        try:
            await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
        finally:
            bye = self._ending.result() if self._ending.done() else None
            self._ending.cancel()  # From here on nothing more is told.
            await cancel_and_wait(read, write)
            await self._farewell(bye)
            await self._finish(work)

    async def _read(self) -> None:
        try:
            async with asyncio.timeout_at(self._session.deadline()) as silence:
                async for frame in self._response:
                    if frame.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                        self._take(frame.data)
                    silence.reschedule(self._session.deadline())
        except TimeoutError:
            self.end(Bye(reason="silent", reconnect=True))

    def _take(self, data: str | bytes) -> None:
        match self._session.receive(data, self._loop.time(), self._clock()):
            case Answer(message):
                self.tell(message)
            case Received(message):
                self._enqueue(message)
            case Greeted() as greeted:
                self._requests.put_nowait(greeted)
            case Refused(said, bye):
                self.tell(said)
                self.end(bye)

    def _enqueue(self, message: AnyClientMessage) -> None:
        try:
            self._requests.put_nowait(message)
        except asyncio.QueueFull:
            self.tell(problem(TooManyMessages(), getattr(message, "id", 0)))

    async def _work(self, participant: Participant) -> None:
        greeted = await self._requests.get()
        assert isinstance(greeted, Greeted), "the session lets nothing through before hello"
        try:
            await participant.greeted(self, greeted.resume)
            while not self._ending.done():
                message = await self._requests.get()
                if message is None:
                    return
                assert not isinstance(message, Greeted)
                await self._carry_out(participant, message)
        except ProctorError as error:
            self.end(Bye(reason=error.id))
        except Exception:
            log.exception("a participant could not be greeted")
            self.end(Bye(reason="internal", reconnect=True))
        finally:
            await participant.left()

    async def _carry_out(self, participant: Participant, message: AnyClientMessage) -> None:
        try:
            answer = await participant.handle(message)
        except ProctorError as error:
            answer = problem(error, getattr(message, "id", 0))
        except Exception:
            log.exception("a request failed", extra={"request": type(message).__name__})
            answer = problem(Internal(), getattr(message, "id", 0))
        if answer is not None:
            self.tell(answer)

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self._response.send_frame(await self._outbox.get(), WSMsgType.TEXT)

    async def _farewell(self, bye: Bye | None) -> None:
        """Say good-bye where it still can be said; a reader that reads nothing is cut off."""
        try:
            async with asyncio.timeout(FAREWELL_S):
                if bye is not None and not self._response.closed:
                    await self._flush(bye)
                await self._response.close(code=WSCloseCode.OK)
        except (TimeoutError, ConnectionError):
            log.info("a socket did not take its good-bye")

    async def _flush(self, bye: Bye) -> None:
        """What was already answered goes out before the good-bye, unless it is too much."""
        if self._outbox.overrun:
            self._outbox.clear()
        self._outbox.put(bye)
        while len(self._outbox):
            await self._response.send_frame(await self._outbox.get(), WSMsgType.TEXT)

    async def _finish(self, work: asyncio.Task[None]) -> None:
        """A request that has begun is carried to its end; those that wait are not begun."""
        with contextlib.suppress(asyncio.QueueFull):
            self._requests.put_nowait(None)
        if not self._session.open:
            await cancel_and_wait(work)
        await asyncio.wait({work}, timeout=REQUEST_S)
        await cancel_and_wait(work)
