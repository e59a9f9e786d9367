from __future__ import annotations

import asyncio
import json

from signaling.messages import EventMessage, OverlayMessage, Tile
from signaling.outbox import Outbox


def event(seq: int, text: str = "") -> EventMessage:
    return EventMessage(seq=seq, at=0.0, event="chat.said", payload={"text": text})


def overlay(attempt: str, rtp: int) -> OverlayMessage:
    return OverlayMessage(attempt=attempt, rtp=rtp, boxes=[])


async def drain(outbox: Outbox) -> list[dict[str, object]]:
    return [json.loads(await outbox.get()) for _ in range(len(outbox))]


async def test_events_keep_their_order_and_none_is_lost() -> None:
    outbox = Outbox()
    for seq in range(100):
        outbox.put(event(seq))
    assert [message["seq"] for message in await drain(outbox)] == list(range(100))
    assert not outbox.overrun


async def test_the_newest_of_a_key_wins_and_the_loss_is_counted() -> None:
    outbox = Outbox()
    for rtp in range(10):
        outbox.put_latest("overlay:a", overlay("a", rtp))
    outbox.put_latest("overlay:b", overlay("b", 5))
    assert [(message["attempt"], message["rtp"]) for message in await drain(outbox)] == [("a", 9), ("b", 5)]
    assert outbox.skipped == 9


async def test_what_lasts_goes_before_what_does_not() -> None:
    outbox = Outbox()
    outbox.put_latest("tile:a", Tile(attempt="a", state="live", since=0.0, status="running"))  # type: ignore[arg-type]
    outbox.put(event(1))
    assert [message["type"] for message in await drain(outbox)] == ["event", "tile"]


async def test_volatile_messages_never_overrun_it() -> None:
    outbox = Outbox(max_bytes=1000)
    for rtp in range(10_000):
        outbox.put_latest("overlay:a", overlay("a", rtp))
    assert not outbox.overrun


async def test_a_reader_too_slow_is_noticed() -> None:
    outbox = Outbox(max_bytes=1000)
    outbox.put(event(1, "x" * 2000))
    assert not outbox.overrun, "one large message is not slowness"
    outbox.put(event(2))
    assert outbox.overrun


async def test_get_waits_for_a_message() -> None:
    outbox = Outbox()
    waiting = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.put(event(3))
    assert json.loads(await waiting)["seq"] == 3
