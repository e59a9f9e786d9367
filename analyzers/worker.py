"""The analysis process: `python -m analyzers.worker --index 0 --control PATH --listen PATH --settings JSON`.

Two threads: one talks (asyncio: the control channel to the web process, the socket to which media
processes push packets), one looks (`Classroom`). Weights are loaded once. Started by the supervisor;
ends when told to (SIGTERM) and when the web process hangs up.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import uvloop

from analyzers.classroom import Classroom
from analyzers.inbox import Inbox, Item
from analyzers.perception import Perception
from config.logging import configure
from config.naming import ANALYSIS, name_process
from config.settings import AnalysisSettings
from config.worker import WorkerArguments, WorkerSettings, parse_arguments
from core.errors import ProctorError
from transport.channel import Channel, Server, connect
from transport.messages import (
    AnnotatedPacket,
    AnnotatedWanted,
    AnyMessage,
    EmbedFace,
    ForgetStudent,
    Hello,
    KeyframeWanted,
    Packet,
    Problem,
    WorkerStats,
)

log = logging.getLogger(__name__)

STATS_EVERY_S = 2.0
ROUND_S = 0.02
"""With nothing to look at, packets gather for so long: waking for each would cost more than it helps."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A message whose answer somebody waits for."""

    message: EmbedFace
    answer: asyncio.Future[AnyMessage]


class LookingThread(threading.Thread):
    """Works through the inbox, then lets one student be looked at, and again."""

    def __init__(self, classroom: Classroom, inbox: Inbox) -> None:
        super().__init__(name="looking", daemon=True)
        self._classroom = classroom
        self._inbox = inbox
        self._requests: list[_Request] = []
        self._stopping = threading.Event()

    def ask(self, request: _Request) -> None:
        """From the talking thread."""
        self._requests.append(request)

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            started = time.monotonic()
            for item in self._inbox.take():
                self._take(item)
            self._answer_requests()
            worked = self._classroom.work()
            self._classroom.tick()
            now = time.monotonic()
            self._classroom.note(now - started, now)
            if not worked:
                self._stopping.wait(ROUND_S)

    def _take(self, item: Item) -> None:
        try:
            self._classroom.take(item)
        except ProctorError as error:
            log.error("a message was refused", extra={"kind": type(item).__name__, "error": str(error)})
        except Exception:
            log.exception("a message failed", extra={"kind": type(item).__name__})

    def _answer_requests(self) -> None:
        requests, self._requests = self._requests, []
        for request in requests:
            try:
                answer: AnyMessage | Exception | None = self._classroom.take(request.message)
            except Exception as error:
                answer = error
            loop = request.answer.get_loop()
            loop.call_soon_threadsafe(_settle, request.answer, answer)


def _settle(future: asyncio.Future[AnyMessage], answer: AnyMessage | Exception | None) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    elif answer is not None:
        future.set_result(answer)


class AnalysisWorker:
    """The talking half: takes what comes in, sends what the looking thread says to where it belongs."""

    def __init__(self, index: int, perception: Perception) -> None:
        self._index = index
        self._inbox = Inbox()
        self._loop = asyncio.get_running_loop()
        self._control: Channel | None = None
        self._media: dict[str, Channel] = {}
        """Attempt -> the channel its packets come from."""
        self._packets = 0
        self._process = psutil.Process()
        self._classroom = Classroom(perception, self._say)
        self._thread = LookingThread(self._classroom, self._inbox)
        self._thread.start()

    def use_control(self, channel: Channel) -> None:
        self._control = channel

    def from_web(self, _: Channel, message: AnyMessage) -> Awaitable[AnyMessage] | None:
        """Handler of the control channel."""
        if isinstance(message, EmbedFace):
            answer: asyncio.Future[AnyMessage] = self._loop.create_future()
            self._thread.ask(_Request(message, answer))
            return answer
        if isinstance(message, ForgetStudent):
            self._media.pop(message.attempt_id, None)
        self._inbox.put(message)
        return None

    def from_media(self, channel: Channel, message: AnyMessage) -> None:
        """Handler of the channels on the listening socket."""
        if isinstance(message, Hello):
            return
        if isinstance(message, Packet):
            self._packets += 1
            self._media[message.attempt_id] = channel
        elif isinstance(message, AnnotatedWanted):
            self._media[message.attempt_id] = channel
        self._inbox.put(message)

    def tell_stats(self) -> None:
        with self._process.oneshot():
            times = self._process.cpu_times()
            stats = WorkerStats(
                role="analysis",
                index=self._index,
                cpu_seconds=times.user + times.system,
                rss_bytes=self._process.memory_info().rss,
                threads=self._process.num_threads(),
                descriptors=self._process.num_fds(),
                counters=self._counters(),
            )
        self._route(stats)

    async def aclose(self) -> None:
        """May be called twice."""
        self._thread.stop()
        await asyncio.to_thread(self._thread.join)

    @property
    def broken(self) -> bool:
        """The looking thread has ended by itself: this process is of no use any more."""
        return not self._thread.is_alive()

    def _counters(self) -> dict[str, float]:
        counters = self._classroom.counters()
        counters["packets.in"] = float(self._packets)
        counters["packets.dropped"] = float(self._inbox.dropped)
        return counters

    def _say(self, message: AnyMessage) -> None:
        """From the looking thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._route, message)

    def _route(self, message: AnyMessage) -> None:
        if isinstance(message, AnnotatedPacket | KeyframeWanted):
            channel = self._media.get(message.attempt_id)
            if channel is not None and channel.closed.is_set():
                del self._media[message.attempt_id]
                channel = None
        else:
            channel = self._control
        if channel is not None:
            channel.send(message)


@functools.cache
def _perception(analysis: str) -> Perception:
    """Of AnalysisSettings as JSON; once a process. Raises EngineUnavailable, BadSettings."""
    return Perception(AnalysisSettings.model_validate_json(analysis))


def warm_up(settings: WorkerSettings) -> None:
    """Load the weights ahead of need; what is wrong with them is said when the worker starts."""
    with contextlib.suppress(ProctorError):
        _perception(settings.analysis.model_dump_json())


async def serve(arguments: WorkerArguments) -> int:
    """Until the control channel closes or a signal says so; the process's exit status."""
    assert arguments.listen is not None, "an analysis process wants --listen"
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        perception = _perception(arguments.settings.analysis.model_dump_json())
    except ProctorError as error:
        await _last_words(arguments.control, error)
        return 1
    worker = AnalysisWorker(arguments.index, perception)
    server = Server(arguments.listen, worker.from_media, lambda channel: None)
    await server.start()
    control = await connect(arguments.control, worker.from_web)
    worker.use_control(control)
    control.send(Hello("analysis", arguments.index, os.getpid()))
    log.info("analysis process is up", extra={"index": arguments.index})
    try:
        await _watch(worker, control, stopping)
    finally:
        await server.aclose()
        await worker.aclose()
        await control.aclose()
    return 1 if worker.broken and not stopping.is_set() and not control.closed.is_set() else 0


async def _watch(worker: AnalysisWorker, control: Channel, stopping: asyncio.Event) -> None:
    while not (stopping.is_set() or control.closed.is_set() or worker.broken):
        worker.tell_stats()
        ends = [asyncio.ensure_future(stopping.wait()), asyncio.ensure_future(control.closed.wait())]
        await asyncio.wait(ends, timeout=STATS_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()


async def _last_words(control: Path, error: ProctorError) -> None:
    """Tell the web process why there will be no analysis."""
    log.error("analysis cannot start", extra={"error": str(error)})
    channel = await connect(control, lambda _, message: None)
    channel.send(Problem(error.id, str(error)))
    await channel.aclose()


def main(argv: Sequence[str] | None = None) -> int:
    name_process(ANALYSIS)
    arguments = parse_arguments(argv)
    configure(arguments.settings.log_level, as_json=arguments.settings.log_json)
    try:
        return uvloop.run(serve(arguments))
    except OSError as error:
        log.error("the web process cannot be reached", extra={"error": str(error)})
        return 1


if __name__ == "__main__":
    sys.exit(main())
