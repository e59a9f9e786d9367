"""A two-way pipe of typed messages over a Unix socket: events that never block, and requests.

Wire: 4 bytes big-endian length, then a msgpack array [request id, reply id, message]. Both ids are 0
for an event. What cannot be sent because the other side does not read is dropped and counted:
a full pipe must never stop media.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from core.errors import ProctorError
from core.tasks import TaskSet, cancel_and_wait
from transport.messages import AnyMessage, Message, Problem

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
WRITE_BUFFER_BYTES = 4 * 1024 * 1024
FLUSH_S = 0.5
"""How long closing waits for a far end that does not read."""
_LENGTH = struct.Struct(">I")

Handler = Callable[["Channel", AnyMessage], Awaitable[AnyMessage | None] | None]
"""Called for each event and request. What it returns (or awaits to) answers a request."""
R = TypeVar("R", bound=Message)


class Envelope(msgspec.Struct, array_like=True, frozen=True):
    request: int
    reply: int
    body: AnyMessage


class ChannelClosed(ProctorError):
    id = "channel-closed"
    status = 503
    sentence = "A part of the server is restarting. Please try again in a moment."


class RequestFailed(ProctorError):
    """The other side answered with a Problem; `problem` is it."""

    id = "request-failed"
    sentence = "{detail}"

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(detail=problem.detail)


class Channel:
    """One end. Made by `connect` or `serve`; `closed` is set when the other side has gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
        self._reader = reader
        self._writer = writer
        self._handler = handler
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Envelope)
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[AnyMessage]] = {}
        self._tasks = TaskSet("channel")
        self.closed = asyncio.Event()
        self.dropped = 0
        self._reading = asyncio.create_task(self._read(), name="channel.read")

    @property
    def backlog(self) -> int:
        """Bytes that wait for the other side to read them."""
        return 0 if self.closed.is_set() else self._writer.transport.get_write_buffer_size()

    def send(self, message: AnyMessage) -> bool:
        """Send an event now; False (and counted) where the pipe is full or closed."""
        if self.closed.is_set() or self._writer.transport.get_write_buffer_size() > WRITE_BUFFER_BYTES:
            self.dropped += 1
            return False
        self._write(0, 0, message)
        return True

    async def request(self, message: AnyMessage, expect: type[R], *, seconds: float = 10.0) -> R:
        """Send and wait for the reply. Raises RequestFailed, ChannelClosed or TimeoutError."""
        if self.closed.is_set():
            raise ChannelClosed()
        number = next(self._ids)
        future: asyncio.Future[AnyMessage] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._write(number, 0, message)
            async with asyncio.timeout(seconds):
                reply = await future
        finally:
            self._waiting.pop(number, None)
        if isinstance(reply, Problem):
            raise RequestFailed(reply)
        if not isinstance(reply, expect):
            raise TypeError(f"expected {expect.__name__}, got {type(reply).__name__}")
        return reply

    def _write(self, request: int, reply: int, message: AnyMessage) -> None:
        body = self._encoder.encode(Envelope(request, reply, message))
        self._writer.write(_LENGTH.pack(len(body)) + body)

    async def _read(self) -> None:
        try:
            while True:
                (length,) = _LENGTH.unpack(await self._reader.readexactly(4))
                if length > MAX_MESSAGE_BYTES:
                    raise ValueError(f"message of {length} bytes")
                envelope = self._decoder.decode(await self._reader.readexactly(length))
                self._dispatch(envelope)
        except (asyncio.IncompleteReadError, ConnectionError, OSError):
            pass
        except (ValueError, msgspec.DecodeError):
            log.exception("channel: the other side sent what cannot be read")
        finally:
            self._finish()

    def _dispatch(self, envelope: Envelope) -> None:
        if envelope.reply:
            future = self._waiting.get(envelope.reply)
            if future is not None and not future.done():
                future.set_result(envelope.body)
            return
        try:
            outcome = self._handler(self, envelope.body)
        except Exception as error:
            self._failed(envelope, error)
            return
        if outcome is not None:
            self._tasks.start(self._complete(envelope, outcome), name="channel.handle")

    async def _complete(self, envelope: Envelope, outcome: Awaitable[AnyMessage | None]) -> None:
        try:
            reply = await outcome
        except Exception as error:
            self._failed(envelope, error)
            return
        if envelope.request and reply is not None and not self.closed.is_set():
            self._write(0, envelope.request, reply)

    def _failed(self, envelope: Envelope, error: Exception) -> None:
        if not isinstance(error, ProctorError):
            log.error("handling %s failed", type(envelope.body).__name__, exc_info=error)
        if envelope.request and not self.closed.is_set():
            id = error.id if isinstance(error, ProctorError) else "internal"
            self._write(0, envelope.request, Problem(id=id, detail=str(error)))

    def _finish(self) -> None:
        self.closed.set()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ChannelClosed())
        self._writer.close()

    async def aclose(self) -> None:
        """Close this end; may be called twice."""
        await cancel_and_wait(self._reading)
        self._finish()
        await self._tasks.aclose()
        with contextlib.suppress(ConnectionError, OSError):
            try:
                # Not wait_for: in Python 3.11 it can swallow a cancellation, and who waits for that hangs.
                async with asyncio.timeout(FLUSH_S):
                    await self._writer.wait_closed()
            except TimeoutError:
                self._writer.transport.abort()


async def connect(path: Path | str, handler: Handler) -> Channel:
    """Connect to a listening end. Raises OSError where nobody listens."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    return Channel(reader, writer, handler)


class Server:
    """Listens on a Unix socket; `on_connect` is told of each new channel."""

    def __init__(self, path: Path, handler: Handler, on_connect: Callable[[Channel], None]) -> None:
        self._path = path
        self._handler = handler
        self._on_connect = on_connect
        self._channels: set[Channel] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, path=str(self._path))
        self._path.chmod(0o600)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        channel = Channel(reader, writer, self._handler)
        self._channels = {known for known in self._channels if not known.closed.is_set()} | {channel}
        self._on_connect(channel)

    async def aclose(self) -> None:
        if self._server is not None:
            self._server.close()
        for channel in self._channels:
            await channel.aclose()
        self._path.unlink(missing_ok=True)
