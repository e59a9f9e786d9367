"""Tasks have owners: failures are logged, closing waits and may be repeated."""

import asyncio
import logging

import pytest

from core.tasks import LatestSlot, TaskSet, cancel_and_wait


async def test_closing_cancels_waits_and_may_be_repeated() -> None:
    tasks = TaskSet("test")
    cleaned = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    tasks.start(work())
    await asyncio.sleep(0)
    await tasks.aclose()
    assert cleaned.is_set()
    assert len(tasks) == 0
    await tasks.aclose()


async def test_a_failure_is_logged_with_its_owner(caplog: pytest.LogCaptureFixture) -> None:
    tasks = TaskSet("engine room")

    async def fail() -> None:
        raise ValueError("boiler")

    task = tasks.start(fail(), name="boiler")
    with caplog.at_level(logging.ERROR), pytest.raises(ValueError, match="boiler"):
        await task
    await asyncio.sleep(0)
    assert any(getattr(record, "owner", "") == "engine room" for record in caplog.records)
    await tasks.aclose()


async def test_nothing_starts_after_closing() -> None:
    tasks = TaskSet("shut")
    await tasks.aclose()
    with pytest.raises(RuntimeError, match="shut is closed"):
        tasks.start(asyncio.sleep(0))


async def test_a_task_may_close_its_own_set() -> None:
    tasks = TaskSet("self")
    await tasks.start(tasks.aclose())


async def test_cancel_and_wait_takes_what_is_done_or_none() -> None:
    done = asyncio.create_task(asyncio.sleep(0))
    await done
    await cancel_and_wait(done, None)


async def test_the_newest_value_wins_and_the_loss_is_counted() -> None:
    slot: LatestSlot[int] = LatestSlot()
    slot.put(1)
    slot.put(2)
    slot.put(3)
    assert await slot.get() == 3
    assert slot.dropped == 2
    waiting = asyncio.create_task(slot.get())
    await asyncio.sleep(0)
    slot.put(4)
    assert await waiting == 4
