"""Small tools that keep asyncio honest: every task has an owner, closing is awaited and repeatable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")


async def cancel_and_wait(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel and wait until each has ended; its error, if any, was logged where it arose."""
    live = [task for task in tasks if task is not None and not task.done()]
    for task in live:
        task.cancel()
    if live:
        await asyncio.wait(live)


class TaskSet:
    """Owns background tasks: keeps references, logs what fails, cancels the rest on close."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def start(self, coroutine: Coroutine[Any, Any, T], name: str | None = None) -> asyncio.Task[T]:
        if self._closed:
            coroutine.close()
            raise RuntimeError(f"{self._name} is closed")
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("background task failed", extra={"owner": self._name, "task": task.get_name()},
                      exc_info=error)  # fmt: skip

    def __len__(self) -> int:
        return len(self._tasks)

    async def drain(self, seconds: float) -> bool:
        """Wait until all that was started is done, at most `seconds`; whether it is."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        return not self._tasks

    async def aclose(self) -> None:
        self._closed = True
        current = asyncio.current_task()
        await cancel_and_wait(*(task for task in self._tasks if task is not current))


class LatestSlot(Generic[T]):
    """A queue of one: a newer value replaces an unread one, and the loss is counted."""

    def __init__(self) -> None:
        self._value: T | None = None
        self._ready = asyncio.Event()
        self.dropped = 0

    def put(self, value: T) -> None:
        if self._ready.is_set():
            self.dropped += 1
        self._value = value
        self._ready.set()

    async def get(self) -> T:
        await self._ready.wait()
        self._ready.clear()
        value, self._value = self._value, None
        assert value is not None
        return value
