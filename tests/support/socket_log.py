"""What a page and the server said to each other, with the moments at which it was said."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from playwright.async_api import Page, WebSocket

Message = dict[str, Any]
Matches = Callable[[Message], object]


@dataclass(frozen=True, slots=True)
class Said:
    at: float
    """UNIX seconds, seen from outside the browser: some milliseconds late."""
    by: Literal["page", "server"]
    message: Message


class SocketLog:
    """Every JSON message of all WebSockets a page opens from now on."""

    def __init__(self, page: Page) -> None:
        self.said: list[Said] = []
        self._waiting: list[asyncio.Event] = []
        page.on("websocket", self._follow)

    def _follow(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda data: self.note("page", json.loads(data)))
        socket.on("framereceived", lambda data: self.note("server", json.loads(data)))

    def note(self, by: Literal["page", "server"], message: Message) -> None:
        """Also for who carries the messages of a page by hand: those pass unheard here."""
        self.said.append(Said(time.time(), by, message))
        for event in self._waiting:
            event.set()

    def of(self, type: str) -> list[Message]:
        return [said.message for said in self.said if said.message["type"] == type]

    async def wait(
        self, type: str, matches: Matches = lambda _: True, *, since: float = 0.0, within: float = 30.0
    ) -> Said:
        """The first message of a type, said at `since` or later, that matches. Raises AssertionError."""
        event = asyncio.Event()
        self._waiting.append(event)
        try:
            async with asyncio.timeout(within):
                while True:
                    for said in self.said:
                        if said.at >= since and said.message["type"] == type and matches(said.message):
                            return said
                    event.clear()
                    await event.wait()
        except TimeoutError:
            raise AssertionError(f"no {type} within {within} s; the last: {self.said[-3:]}") from None
        finally:
            self._waiting.remove(event)
