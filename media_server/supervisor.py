"""Starts the media and analysis processes, watches them, starts them again, and tells who serves whom.

Runs in the web process. Each worker connects back to one control socket and says Hello once it can work (or
a Problem, when it cannot, and ends). A worker that exits, hangs up or says nothing for `SILENCE_S` is
replaced: at once by a warm spare, after repeated failures with more and more patience.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from config.settings import Settings
from config.worker import WorkerSettings
from core.errors import MediaUnavailable, ProctorError
from core.tasks import TaskSet
from media_server.placement import Placement, Placements
from media_server.spares import Spares, end
from transport.channel import Channel, Server
from transport.messages import AnyMessage, Hello, Problem

log = logging.getLogger(__name__)

Role = Literal["media", "analysis"]
OnMessage = Callable[[Role, int, AnyMessage], object]
OnChange = Callable[[Role, int], object]

START_S = 60.0
"""From the start of a process to its Hello; weights are loaded meanwhile."""
SILENCE_S = 10.0
"""Workers send their statistics every two seconds; one that says nothing for so long hangs."""
STEADY_S = 10.0
"""Who lived so long died by accident and is replaced at once; who did not is waited for."""
BACK_OFF_S = (0.0, 0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STOP_S = 8.0
"""For a worker to close its recordings in order."""
_MODULES: dict[Role, str] = {"media": "media_server.worker", "analysis": "analyzers.worker"}
_SOCKET_PATH_BYTES = 100
"""Linux takes 107 for a Unix socket."""


class StartFailed(ProctorError):
    """A worker cannot start, in its own words."""

    id = "start-failed"
    sentence = "{detail}"


def _ignore(*_: object) -> None:
    return


@dataclass(slots=True)
class _Worker:
    """The place of one worker, whichever process holds it."""

    role: Role
    index: int
    channel: Channel | None = None
    pid: int | None = None
    heard_at: float = 0.0
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """The process has said Hello, or has ended without."""


class Supervisor:
    """`on_message(role, index, message)`, `on_up(role, index)`, `on_down(role, index)` are called on the
    loop and must not block."""

    def __init__(
        self,
        settings: Settings,
        *,
        on_message: OnMessage = _ignore,
        on_up: OnChange = _ignore,
        on_down: OnChange = _ignore,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._settings = settings
        self._worker_settings = WorkerSettings.of(settings).model_dump_json(exclude_defaults=True)
        self.on_message = on_message
        self.on_up = on_up
        self.on_down = on_down
        sizes: dict[Role, int] = {
            "media": settings.media.processes, "analysis": settings.analysis.processes,
        }  # fmt: skip
        self._workers = {
            (role, index): _Worker(role, index) for role, size in sizes.items() for index in range(size)
        }
        self._placements = Placements(sizes["media"], sizes["analysis"])
        self._spares = {role: Spares(module, self._worker_settings) for role, module in _MODULES.items()}
        self._silence_s = silence_s
        self._tasks = TaskSet("supervisor")
        self._directory: Path | None = None
        self._server: Server | None = None
        self._channels: dict[Channel, _Worker] = {}
        self._last_words = ""
        self._closing = False

    # What others ask.

    def media(self, index: int) -> Channel:
        """Raises MediaUnavailable while that process is down; likewise `analysis`."""
        return self._channel("media", index)

    def analysis(self, index: int) -> Channel:
        return self._channel("analysis", index)

    def place(self, attempt_id: str) -> Placement:
        """(media index, analysis index): the same every time, while both live."""
        return self._placements.place(attempt_id, self._up("media"), self._up("analysis"))

    def forget(self, attempt_id: str) -> None:
        """The attempt is over: it counts no more where the next ones are placed."""
        self._placements.forget(attempt_id)

    def analysis_socket(self, index: int) -> str:
        """Where media processes reach an analysis process; the same after a restart."""
        return str(self._run_directory / f"analysis-{index}.sock")

    def pid(self, role: Role, index: int) -> int | None:
        return self._workers[role, index].pid

    async def warm(self) -> None:
        """Returns when a spare of each kind is ready to step in."""
        for spares in self._spares.values():
            await spares.warm.wait()

    def _channel(self, role: Role, index: int) -> Channel:
        worker = self._workers.get((role, index))
        if worker is None or worker.channel is None or worker.channel.closed.is_set():
            raise MediaUnavailable()
        return worker.channel

    def _up(self, role: Role) -> list[int]:
        return [one.index for one in self._workers.values() if one.role == role and one.channel is not None]

    # Start and end.

    async def start(self) -> None:
        """Returns when every worker is up. Raises StartFailed, and leaves nothing running, where one
        cannot start."""
        self._directory = _make_run_directory(self._settings.data_dir)
        self._server = Server(self._run_directory / "control.sock", self._heard, _ignore)
        await self._server.start()
        for worker in self._workers.values():
            self._tasks.start(self._keep(worker), name=f"{worker.role}.{worker.index}")
        ready = asyncio.gather(*(worker.settled.wait() for worker in self._workers.values()))
        try:
            async with asyncio.timeout(START_S):
                await ready
        except TimeoutError:
            self._last_words = self._last_words or "A worker process did not start in time."
        if any(worker.channel is None for worker in self._workers.values()):
            await self.aclose()
            raise StartFailed(detail=self._last_words or "A worker process ended while it was starting.")

    async def aclose(self) -> None:
        """End all workers in order (recordings are closed); may be called twice."""
        self._closing = True
        await self._tasks.aclose()
        await asyncio.gather(*(spares.aclose() for spares in self._spares.values()))
        if self._server is not None:
            await self._server.aclose()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def _run_directory(self) -> Path:
        if self._directory is None:
            raise MediaUnavailable()
        return self._directory

    # One worker's life.

    async def _keep(self, worker: _Worker) -> None:
        quick_ends = 0
        while True:
            began = time.monotonic()
            await self._live_once(worker)
            quick_ends = 0 if time.monotonic() - began > STEADY_S else quick_ends + 1
            delay = BACK_OFF_S[min(max(quick_ends - 1, 0), len(BACK_OFF_S) - 1)]
            await asyncio.sleep(delay)

    async def _live_once(self, worker: _Worker) -> None:
        worker.settled.clear()
        try:
            process = await self._spares[worker.role].take(self._arguments(worker))
        except OSError as error:
            log.error("a worker cannot be started", extra={"role": worker.role, "error": str(error)})
            return
        worker.pid = process.pid
        grace_s = STOP_S
        try:
            grace_s = await self._watch(worker, process)
        finally:
            channel, worker.channel, worker.pid = worker.channel, None, None
            if channel is not None and not self._closing:
                self.on_down(worker.role, worker.index)
            await asyncio.shield(self._tidy(process, channel, grace_s))
            worker.settled.set()

    async def _tidy(self, process: Process, channel: Channel | None, grace_s: float) -> None:
        """Until the process is gone its last messages (segments that were closed) are still taken."""
        await end(process, grace_s=grace_s)
        if channel is not None:
            await channel.aclose()
            self._channels.pop(channel, None)

    async def _watch(self, worker: _Worker, process: Process) -> float:
        """Until the worker is gone or no good; the seconds it may have to end in order."""
        exited = asyncio.ensure_future(process.wait())
        try:
            if not await self._greeted(worker, exited):
                return 0.0
            assert worker.channel is not None
            self._spares[worker.role].refill()
            self.on_up(worker.role, worker.index)
            while not exited.done() and not worker.channel.closed.is_set():
                await asyncio.wait([exited], timeout=0.25)
                if time.monotonic() - worker.heard_at > self._silence_s:
                    log.error("a worker hangs", extra={"role": worker.role, "index": worker.index})
                    return 0.0
            log.warning("a worker ended", extra={
                "role": worker.role, "index": worker.index, "code": process.returncode,
            })  # fmt: skip
            return 1.0
        finally:
            exited.cancel()

    async def _greeted(self, worker: _Worker, exited: asyncio.Future[int]) -> bool:
        hello = asyncio.ensure_future(worker.settled.wait())
        either: list[asyncio.Future[Any]] = [hello, exited]
        try:
            await asyncio.wait(either, timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
            return worker.channel is not None
        finally:
            hello.cancel()

    def _arguments(self, worker: _Worker) -> list[str]:
        control = str(self._run_directory / "control.sock")
        arguments = ["--index", str(worker.index), "--control", control, "--settings", self._worker_settings]
        if worker.role == "analysis":
            arguments += ["--listen", self.analysis_socket(worker.index)]
        return arguments

    def _heard(self, channel: Channel, message: AnyMessage) -> None:
        """Handler of the control socket."""
        worker = self._channels.get(channel)
        if isinstance(message, Hello):
            self._greet(channel, message)
        elif worker is not None:
            worker.heard_at = time.monotonic()
            self.on_message(worker.role, worker.index, message)
        elif isinstance(message, Problem):
            self._last_words = message.detail
            log.error("a worker cannot start", extra={"problem": message.id, "detail": message.detail})

    def _greet(self, channel: Channel, hello: Hello) -> None:
        worker = self._workers.get((hello.role, hello.index))
        if worker is None or worker.pid != hello.pid:
            log.warning("a stranger on the control socket", extra={"pid": hello.pid})
            return
        self._channels[channel] = worker
        worker.channel, worker.heard_at = channel, time.monotonic()
        worker.settled.set()


def _make_run_directory(data_dir: Path) -> Path:
    """For sockets, only this user's: under the data directory, elsewhere where that path is too long."""
    wanted = (data_dir / "run" / str(os.getpid())).resolve()
    if len(os.fsencode(wanted)) > _SOCKET_PATH_BYTES - len("/analysis-00.sock"):
        return Path(tempfile.mkdtemp(prefix="invigil-"))
    shutil.rmtree(wanted, ignore_errors=True)
    wanted.parent.mkdir(parents=True, exist_ok=True)
    wanted.mkdir(mode=0o700)
    return wanted
