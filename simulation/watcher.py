"""A simulated proctor: looks at a wall of students through one peer connection a media process, counts
what arrives, and hears what is said about it. Nothing is decoded."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from core.tasks import TaskSet, cancel_and_wait
from media_server.frames import EncodedFrame
from signaling import messages as m
from simulation import wire
from simulation.peering import OfferingPeer, PeerLost
from transport.messages import WatchRole

log = logging.getLogger(__name__)

LATENCIES_KEPT = 4_000
RETRY_S = 0.5


@dataclass(slots=True)
class TileStats:
    """One student on the wall."""

    attempt_id: str
    attached_at: float
    first_frame_at: float | None = None
    last_frame_at: float | None = None
    frames: int = 0
    keyframes: int = 0
    bytes: int = 0
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    """Seconds from the student's camera to here, of each frame; true where both share a clock."""

    def saw(self, frame: EncodedFrame) -> None:
        now = time.time()
        self.first_frame_at = self.first_frame_at or now
        self.last_frame_at = now
        self.frames += 1
        self.keyframes += frame.keyframe
        self.bytes += len(frame.data)
        self.latencies.append(now - frame.captured_at)


@dataclass(frozen=True, slots=True)
class Heard:
    """An event of the log, and when it came here (UNIX seconds)."""

    at: float
    event: m.EventMessage


class SimulatedWatcher:
    """`link` is a signed link of the exam's staff. `run()` watches until cancelled.

    `tiles` is how many students are looked at at most; `track` which of their tracks.
    """

    def __init__(self, link: str, *, tiles: int = 50, track: WatchRole = "low") -> None:
        self.tiles: dict[str, TileStats] = {}
        """By attempt id."""
        self.events: list[Heard] = []
        self.overlays = 0
        self.screens: set[str] = set()
        """Attempts whose screen arrives at the server."""
        self.on_event: Callable[[Heard], None] | None = None
        self.on_frame: Callable[[str, EncodedFrame], None] | None = None
        """Told of each frame of each tile, by attempt id."""
        self._link = link
        self._limit = tiles
        self._track = track
        self._wire: wire.Wire | None = None
        self._welcome: m.ProctorWelcome | None = None
        self._workers: dict[str, int] = {}
        """attempt id -> media process that serves it now."""
        self._changed = asyncio.Event()
        self._restarted: dict[int, asyncio.Event] = {}
        self._tasks = TaskSet("simulated watcher")

    async def run(self) -> None:
        """Raises LinkRefused, Unreachable."""
        async with wire.browser() as http:
            url = await wire.follow(http, self._link)
            line = self._wire = wire.Wire(http, url, wire.ProctorBound, self._on_message)
            line.start()
            try:
                while self._welcome is None:
                    await self._changed.wait()
                for worker in self._welcome.workers:
                    self._restarted[worker] = asyncio.Event()
                    self._tasks.start(self._keep_watching(line, worker), f"watch-{worker}")
                await line.over.wait()
            finally:
                await self._tasks.aclose()
                await line.aclose()

    async def focus(self, attempt_id: str | None) -> None:
        """Overlays of this attempt from now on. Raises Refused, Disconnected, TimeoutError."""
        assert self._wire is not None
        await self._wire.ask(m.Focus(self._wire.next_id(), attempt_id), m.Ok)

    async def intervene(self, attempt_id: str, action: m.Intervention, reason: str, text: str = "") -> None:
        """Raises Refused, Disconnected, TimeoutError."""
        assert self._wire is not None
        await self._wire.ask(m.Intervene(self._wire.next_id(), attempt_id, action, reason, text), m.Ok)

    async def _keep_watching(self, line: wire.Wire, worker: int) -> None:
        """One peer connection after the other to one media process."""
        while True:
            try:
                await self._watch(line, worker)
            except (PeerLost, wire.Disconnected, wire.Refused, TimeoutError) as error:
                log.debug("watching failed", extra={"worker": worker, "reason": repr(error)})
            await asyncio.sleep(RETRY_S)

    async def _watch(self, line: wire.Wire, worker: int) -> None:
        self._restarted[worker].clear()
        peer = OfferingPeer()
        filling: asyncio.Task[None] | None = None
        ends: list[asyncio.Task[object]] = []
        try:
            for _ in range(self._limit):
                peer.connection.addTransceiver("video", direction="recvonly")
            watcher = ""

            async def exchange(offer: str) -> str:
                nonlocal watcher
                answer = await line.ask(m.Watch(line.next_id(), worker, offer), m.Watching)
                watcher = answer.watcher
                return answer.sdp

            await peer.connect(exchange)
            filling = asyncio.create_task(self._fill(line, worker, watcher, peer), name="fill slots")
            ends = [
                asyncio.create_task(peer.lost()),
                asyncio.create_task(self._restarted[worker].wait()),
            ]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_and_wait(filling, *ends)
            await peer.aclose()

    async def _fill(self, line: wire.Wire, worker: int, watcher: str, peer: OfferingPeer) -> None:
        """Students who come to this process get the next free slot."""
        free = deque(peer.connection.sections())
        attached: set[str] = set()
        while True:
            self._changed.clear()
            for attempt_id, serving in list(self._workers.items()):
                if serving != worker or attempt_id in attached or not free:
                    continue
                section = free.popleft()
                attached.add(attempt_id)
                stats = self.tiles.setdefault(attempt_id, TileStats(attempt_id, time.time()))
                section.receiver.sink = self._sink(stats)
                request = m.Attach(line.next_id(), watcher, section.mid, attempt_id, self._track)
                try:
                    await line.ask(request, m.Ok)
                except wire.Refused as refused:  # not published yet: its next tile calls again
                    log.debug("slot not filled", extra={"reason": refused.problem})
                    section.receiver.sink = None
                    attached.discard(attempt_id)
                    free.append(section)
                    await asyncio.sleep(RETRY_S)
            await self._changed.wait()

    def _sink(self, stats: TileStats) -> Callable[[EncodedFrame], None]:
        def saw(frame: EncodedFrame) -> None:
            stats.saw(frame)
            if self.on_frame is not None:
                self.on_frame(stats.attempt_id, frame)

        return saw

    def _on_message(self, message: m.ServerMessage) -> None:
        match message:
            case m.ProctorWelcome():
                self._welcome = message
                for view in message.attempts:
                    self._note(view.id, view.worker, view.state)
                self._changed.set()
            case m.Tile():
                self._note(message.attempt, message.worker, message.state)
                (self.screens.add if message.screen else self.screens.discard)(message.attempt)
            case m.WorkerState(state="up") if message.worker in self._restarted:
                self._restarted[message.worker].set()
            case m.EventMessage():
                heard = Heard(time.time(), message)
                self.events.append(heard)
                if self.on_event is not None:
                    self.on_event(heard)
            case m.OverlayMessage():
                self.overlays += 1
            case _:
                pass

    def _note(self, attempt_id: str, worker: int, state: m.TileState) -> None:
        if state in ("live", "frozen", "reconnecting"):
            self._workers[attempt_id] = worker
            self._changed.set()
        else:
            self._workers.pop(attempt_id, None)
