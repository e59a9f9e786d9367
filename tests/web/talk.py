"""A browser's end of the socket, for tests: ask and be answered, wait for what is told."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from core.tasks import cancel_and_wait

Message = dict[str, Any]
WAIT_S = 45.0


class Talk:
    """Everything told is kept in `told`; `wait` also looks at what came before."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._news = asyncio.Condition()
        self.told: list[Message] = []
        self.closed = asyncio.Event()
        self._reading = asyncio.create_task(self._read())
        self._beating = asyncio.create_task(self._beat())

    async def _read(self) -> None:
        async for frame in self._socket:
            if frame.type is WSMsgType.TEXT:
                async with self._news:
                    self.told.append(json.loads(frame.data))
                    self._news.notify_all()
        async with self._news:
            self.closed.set()
            self._news.notify_all()

    async def _beat(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.sleep(5)
                await self.send("ping")

    async def send(self, type: str, **fields: Any) -> None:
        await self._socket.send_str(json.dumps({"type": type, **fields}))

    async def ask(self, type: str, **fields: Any) -> Message:
        """The answer: ok, problem, published or watching."""
        id = next(self._ids)
        await self.send(type, id=id, **fields)
        return await self.wait(lambda message: message.get("re") == id)

    async def wait(self, wanted: Callable[[Message], bool], *, after: int = 0) -> Message:
        """The first message from number `after` on that is wanted."""
        async with asyncio.timeout(WAIT_S), self._news:
            at = after
            while True:
                for message in self.told[at:]:
                    at += 1
                    if wanted(message):
                        return message
                if self.closed.is_set():
                    raise AssertionError(f"the socket closed; told: {self.told}")
                await self._news.wait()

    async def event(self, name: str, *, after: int = 0) -> Message:
        return await self.wait(lambda m: m["type"] == "event" and m["event"] == name, after=after)

    async def status(self, name: str, *, after: int = 0) -> Message:
        """The student's own attempt in this status."""
        return await self.wait(
            lambda m: m["type"] == "attempt" and m["attempt"]["status"] == name, after=after
        )

    async def of_type(self, type: str, *, after: int = 0) -> Message:
        return await self.wait(lambda m: m["type"] == type, after=after)

    async def aclose(self) -> None:
        await cancel_and_wait(self._beating)
        await self._socket.close()
        await self._reading


async def talk(client: ClientSession, path: str, *, resume: int | None = None) -> Talk:
    """Connected and welcomed."""
    conversation = Talk(await client.ws_connect(path))
    await conversation.send("hello", protocol=1, **({} if resume is None else {"resume": resume}))
    await conversation.of_type("welcome")
    return conversation
