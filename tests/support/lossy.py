"""A real browser's media behind the bad network of `netem`, its pages and sockets untouched."""

from __future__ import annotations

import json
from typing import Any

from playwright.async_api import Page, WebSocketRoute

from core.tasks import TaskSet
from tests.support.netem import NetworkEmulator
from tests.support.socket_log import SocketLog


class LossyPath:
    """Every student's media of a page goes through `network` from now on: the page's candidates are taken
    out of its offers, and the network's addresses stand in the answers."""

    def __init__(self, network: NetworkEmulator, log: SocketLog) -> None:
        self._network = network
        self._log = log
        self._tasks = TaskSet("lossy path")

    async def lay(self, page: Page) -> None:
        """Before the page opens its sockets."""
        await page.route_web_socket("**/ws/attempts/*", self._carry)

    async def aclose(self) -> None:
        await self._tasks.aclose()

    def _carry(self, page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def from_page(data: str | bytes) -> None:
            message = json.loads(data)
            self._log.note("page", message)
            if message["type"] == "publish":
                message["sdp"] = self._network.hide(message["sdp"])
            server.send(json.dumps(message))

        def from_server(data: str | bytes) -> None:
            message = json.loads(data)
            self._log.note("server", message)
            if message["type"] == "published":
                self._tasks.start(self._answer(page, message), name="answer")
            else:
                page.send(data)

        page.on_message(from_page)
        server.on_message(from_server)

    async def _answer(self, page: WebSocketRoute, message: dict[str, Any]) -> None:
        page.send(json.dumps({**message, "sdp": await self._network.route(message["sdp"])}))
