"""Real WebSockets on an ephemeral port, with a participant that writes down what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestServer

from core.errors import IllegalTransition
from signaling.messages import (
    AnyClientMessage,
    Bye,
    Complete,
    EventMessage,
    Ok,
    Say,
    ServerMessage,
    Signal,
    Start,
)
from signaling.outbox import Outbox
from signaling.session import Limits
from signaling.socket import Socket


class Notebook:
    """A participant: answers start, refuses complete, breaks on signals, waits on say."""

    def __init__(self) -> None:
        self.resumed: int | None = None
        self.handled: list[AnyClientMessage] = []
        self.socket: Socket | None = None
        self.has_left = asyncio.Event()
        self.saying = asyncio.Event()
        self.may_finish = asyncio.Event()
        self.said = False

    async def greeted(self, socket: Socket, resume: int | None) -> None:
        self.socket, self.resumed = socket, resume

    async def handle(self, message: AnyClientMessage) -> ServerMessage | None:
        self.handled.append(message)
        match message:
            case Start(id):
                return Ok(re=id)
            case Complete():
                raise IllegalTransition(status="none", action="complete")
            case Signal():
                raise ZeroDivisionError
            case Say():
                self.saying.set()
                await self.may_finish.wait()
                self.said = True
        return None

    async def left(self) -> None:
        self.has_left.set()


Connect = Callable[..., Awaitable[tuple[ClientWebSocketResponse, Notebook]]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    servers: list[TestServer] = []
    client = ClientSession()

    async def connect(limits: Limits | None = None, outbox: Outbox | None = None, greet: bool = True) -> Any:
        notebook = Notebook()

        async def serve(request: web.Request) -> web.WebSocketResponse:
            response = web.WebSocketResponse()
            await response.prepare(request)
            await Socket(response, "student", limits=limits, outbox=outbox).run(notebook)
            return response

        app = web.Application()
        app.router.add_get("/ws", serve)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        ws = await client.ws_connect(server.make_url("/ws"))
        if greet:
            await ws.send_str('{"type":"hello","protocol":1,"resume":7}')
        return ws, notebook

    yield connect
    await client.close()
    for server in servers:
        await server.close()


async def hear(ws: ClientWebSocketResponse) -> dict[str, Any]:
    async with asyncio.timeout(10):
        answer: dict[str, Any] = json.loads(await ws.receive_str())
        return answer


async def test_requests_are_answered_in_order(connect: Connect) -> None:
    ws, notebook = await connect()
    for id in (1, 2, 3):
        await ws.send_str(f'{{"type":"start","id":{id}}}')
    assert [(await hear(ws))["re"] for _ in range(3)] == [1, 2, 3]
    assert notebook.resumed == 7


async def test_a_refusal_and_a_bug_are_problems_and_the_socket_lives_on(connect: Connect) -> None:
    ws, _ = await connect()
    await ws.send_str('{"type":"complete","id":1}')
    answer = await hear(ws)
    assert (answer["problem"], answer["re"]) == ("illegal-transition", 1)
    await ws.send_str('{"type":"signal","id":2,"kind":"copy"}')
    answer = await hear(ws)
    assert (answer["problem"], answer["re"]) == ("internal", 2)
    assert "ZeroDivision" not in answer["title"]
    await ws.send_str('{"type":"start","id":3}')
    assert await hear(ws) == {"type": "ok", "re": 3}


async def test_nothing_unreadable_reaches_the_participant(connect: Connect) -> None:
    ws, notebook = await connect()
    for data in ("{", '{"type":"judge","id":1}', '{"type":"say","id":2,"text":"' + "x" * 600_000 + '"}'):
        await ws.send_str(data)
    await ws.send_bytes(b"\xff\x00")
    problems = [(await hear(ws))["problem"] for _ in range(4)]
    assert problems == ["bad-message", "forbidden", "too-large", "bad-message"]
    assert notebook.handled == []


async def test_a_ping_is_answered_while_a_request_takes_its_time(connect: Connect) -> None:
    ws, notebook = await connect()
    await ws.send_str('{"type":"say","id":1,"text":"hello"}')
    await notebook.saying.wait()
    await ws.send_str('{"type":"ping","t":4}')
    assert (await hear(ws))["t"] == 4
    notebook.may_finish.set()


async def test_a_request_that_has_begun_is_finished_after_the_browser_has_gone(connect: Connect) -> None:
    ws, notebook = await connect()
    await ws.send_str('{"type":"say","id":1,"text":"hello"}')
    await notebook.saying.wait()
    await ws.close()
    notebook.may_finish.set()
    await asyncio.wait_for(notebook.has_left.wait(), 10)
    assert notebook.said


async def test_a_silent_browser_is_sent_away_to_come_back(connect: Connect) -> None:
    ws, notebook = await connect(limits=Limits(silence_s=0.2))
    assert await hear(ws) == {"type": "bye", "reason": "silent", "reconnect": True}
    assert (await ws.receive()).type is WSMsgType.CLOSE
    await asyncio.wait_for(notebook.has_left.wait(), 10)


async def test_another_protocol_is_told_and_closed(connect: Connect) -> None:
    ws, notebook = await connect(greet=False)
    await ws.send_str('{"type":"hello","protocol":2}')
    assert (await hear(ws))["problem"] == "unknown-protocol"
    assert (await hear(ws))["type"] == "bye"
    assert notebook.socket is None


async def test_a_reader_too_slow_is_closed_and_told_to_resume(connect: Connect) -> None:
    ws, notebook = await connect(outbox=Outbox(max_bytes=200_000))
    await ws.send_str('{"type":"start","id":1}')
    await hear(ws)
    socket = notebook.socket
    assert socket is not None
    for seq in range(100):  # Told in one go: nobody had a chance to read.
        socket.tell(EventMessage(seq=seq, at=0.0, event="x", payload={"text": "x" * 10_000}))
    heard = [await hear(ws)]
    while heard[-1]["type"] == "event":
        heard.append(await hear(ws))
    assert heard.pop() == {"type": "bye", "reason": "too-slow", "reconnect": True}
    # What it got is a beginning without holes, so that it can resume from there.
    assert [event.get("seq") for event in heard] == list(range(len(heard)))
    assert len(heard) < 100
    await asyncio.wait_for(notebook.has_left.wait(), 10)


async def test_the_server_may_end_it(connect: Connect) -> None:
    ws, notebook = await connect()
    await ws.send_str('{"type":"start","id":1}')
    await hear(ws)
    assert notebook.socket is not None
    notebook.socket.end(Bye(reason="replaced"))
    assert await hear(ws) == {"type": "bye", "reason": "replaced"}
    assert (await ws.receive()).type is WSMsgType.CLOSE
