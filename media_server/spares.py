"""Worker processes, started ahead of need."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

from core.tasks import TaskSet

log = logging.getLogger(__name__)

REFILL_AFTER_S = 1.0
"""A new spare waits until the one that was taken has found its feet: both want the processor."""


async def end(process: Process, *, grace_s: float) -> None:
    """SIGTERM, and SIGKILL after `grace_s` seconds; returns when it is gone."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM if grace_s > 0 else signal.SIGKILL)
        try:
            async with asyncio.timeout(max(grace_s, 0.001)):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    await process.wait()
    if process.stdin is not None:
        process.stdin.close()


class Spares:
    """One warm process of a module, and another when that is taken. `settings`: WorkerSettings as JSON."""

    def __init__(self, module: str, settings: str) -> None:
        self._module = module
        self._settings = settings
        self._spare: Process | None = None
        self._tasks = TaskSet(f"spares of {module}")
        self._refilling = False
        self.warm = asyncio.Event()
        """A spare is there that has its imports and weights behind it."""

    async def take(self, argv: Sequence[str]) -> Process:
        """A process that starts working with `argv` now. Raises OSError where none can be started."""
        process, self._spare = self._spare, None
        self.warm.clear()
        if process is None or process.returncode is not None:
            process, ready = await self._spawn()
            os.close(ready)
        assert process.stdin is not None
        process.stdin.write(json.dumps(list(argv)).encode() + b"\n")
        return process

    def refill(self) -> None:
        """See to it that a spare will be there."""
        if self._spare is None and not self._refilling:
            self._refilling = True
            self._tasks.start(self._refill(), name="spares.refill")

    async def _refill(self) -> None:
        try:
            await asyncio.sleep(REFILL_AFTER_S)
            process, ready = await self._spawn()
            self._spare = process
        finally:
            self._refilling = False
        await _hang_up(ready)
        if self._spare is process and process.returncode is None:
            self.warm.set()

    async def _spawn(self) -> tuple[Process, int]:
        """The process, and a descriptor that hangs up when it is warm (or gone)."""
        ready, warming = os.pipe()
        command = (sys.executable, "-m", "media_server.warm", self._module, self._settings, str(warming))
        try:
            # Its own session: Ctrl-C in a terminal reaches the supervisor alone, which ends all in order.
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, pass_fds=(warming,), start_new_session=True
            )
        except BaseException:
            os.close(ready)
            raise
        finally:
            os.close(warming)
        return process, ready

    async def aclose(self) -> None:
        """May be called twice."""
        await self._tasks.aclose()
        process, self._spare = self._spare, None
        if process is not None:
            await end(process, grace_s=0)


async def _hang_up(descriptor: int) -> None:
    """Until the other end of a pipe is closed; closes this end."""
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
