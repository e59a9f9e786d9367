"""A simulated student: a real WebRTC client that plays a clip as its camera and microphone.

Does what the student's page does: logs in through the signed link, consents, shows a face for the
identity check, publishes, starts, answers warnings, reports browser signals, and comes back by itself
whatever breaks.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.attempts import AttemptStatus
from core.samples import SignalKind
from core.tasks import TaskSet
from signaling import messages as m
from simulation import wire
from simulation.player import Player
from simulation.publisher import Publisher
from simulation.reel import Reel, Script
from simulation.scenes import Span

log = logging.getLogger(__name__)

READS_A_WARNING_S = 2.0
ASKS_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class PlannedSignal:
    """A browser signal, `after` seconds from the start of the attempt, and every `every` seconds again
    (0: once)."""

    after: float
    kind: SignalKind
    detail: dict[str, str | int | float | bool] = field(default_factory=dict)
    every: float = 0.0


class SimulatedStudent:
    """`link` is a student's signed link. `run()` takes part until the attempt is over or it is cancelled."""

    def __init__(
        self, link: str, reel: Reel, *, script: Script | None = None, signals: Sequence[PlannedSignal] = ()
    ) -> None:
        self.player = Player(reel, script or Script(reel.clip.seconds, reel.clip.calm_s))
        self.problems: list[str] = []
        """Ids of the problems the server answered with."""
        self.acknowledged = 0
        self.live = asyncio.Event()
        """Set while media is connected."""
        self.started = asyncio.Event()
        """Set once the attempt runs."""
        self._link = link
        self._signals = signals
        self._publisher: Publisher | None = None
        self._attempt: m.AttemptState | None = None
        self._consent_version = ""
        self._answered: set[str] = set()
        self._welcomed = asyncio.Event()
        self._wire: wire.Wire | None = None
        self._tasks = TaskSet("simulated student")

    # What others may ask.

    @property
    def attempt_id(self) -> str:
        """Empty before the first welcome."""
        return self._attempt.id if self._attempt else ""

    @property
    def status(self) -> AttemptStatus:
        return self._attempt.status if self._attempt else AttemptStatus.NONE

    @property
    def connections(self) -> int:
        """Peer connections made so far."""
        return self._publisher.connections if self._publisher else 0

    def truth(self, until: float) -> list[tuple[Span, float, float]]:
        """What is to be seen and heard, with start and end in UNIX seconds, of what starts before `until`."""
        player = self.player
        return [
            (span, player.started_at + start, player.started_at + end)
            for span in player.reel.clip.events
            for start, end in player.script.times(span, until - player.started_at)
        ]

    # The attempt.

    async def run(self) -> None:
        """Raises LinkRefused, Unreachable."""
        async with wire.browser() as http:
            url = await wire.follow(http, self._link)
            line = self._wire = wire.Wire(http, url, wire.StudentBound, self._on_message)
            self._publisher = Publisher(line, self.player, self._on_media)
            line.start()
            self.player.start()
            try:
                await self._welcomed.wait()
                if not self.status.over:
                    self._tasks.start(self._publisher.run(), "publish")
                    self._tasks.start(self._take_part(line), "take part")
                    await line.over.wait()
            finally:
                await self._tasks.aclose()
                await self.player.aclose()
                await line.aclose()

    async def complete(self) -> None:
        """Hand in. Raises Refused, Disconnected, TimeoutError."""
        assert self._wire is not None
        await self._wire.ask(m.Complete(id=self._wire.next_id()), m.Ok)

    async def _take_part(self, line: wire.Wire) -> None:
        """Consent, a face, start; then what the student does in the browser."""
        assert self._attempt is not None
        if not self._attempt.consented:
            await self._insist(line, lambda id: m.Consent(id, self._consent_version, given=True))
        await self.live.wait()
        if not self._attempt.enrolled:
            jpeg = base64.b64encode(self.player.reel.clip.enrolment.read_bytes()).decode()
            await self._insist(line, lambda id: m.EnrolFace(id, jpeg), tries=20)
        if self.status is AttemptStatus.NONE:
            await self._insist(line, lambda id: m.Start(id))
        self.started.set()
        await asyncio.gather(*(self._report(line, signal) for signal in self._signals))

    async def _insist(
        self, line: wire.Wire, make: Callable[[int], m.ClientMessage], tries: int | None = None
    ) -> None:
        """Ask until it is done (at most `tries` times): media may not have arrived yet, or broke."""
        while not line.over.is_set() and tries != 0:
            try:
                await line.ask(make(line.next_id()), m.Ok)
                return
            except wire.Refused as refused:
                self.problems.append(refused.problem)
            except (wire.Disconnected, TimeoutError):
                pass
            tries = tries - 1 if tries is not None else None
            await asyncio.sleep(ASKS_AGAIN_S)
        log.warning("given up", extra={"clip": self.player.reel.clip.name, "problems": self.problems[-1:]})

    async def _report(self, line: wire.Wire, signal: PlannedSignal) -> None:
        wait = signal.after
        while True:
            await asyncio.sleep(wait)
            await self._insist(line, lambda id: m.Signal(id, signal.kind, dict(signal.detail)), tries=3)
            if not signal.every:
                return
            wait = signal.every

    # What the server says.

    def _on_message(self, message: m.ServerMessage) -> None:
        match message:
            case m.StudentWelcome():
                self._attempt = message.attempt
                self._consent_version = message.exam["consent"]["version"]
                self._welcomed.set()
                for warning in message.attempt.unacknowledged:
                    self._answer(warning["id"])
            case m.AttemptMessage():
                self._attempt = message.attempt
                if self.status.over and self._wire is not None:
                    self._wire.over.set()
            case m.InterventionMessage() if message.acknowledge:
                self._answer(message.id)
            case m.MediaState(state="republish") if self._publisher is not None:
                self._publisher.republish()
            case _:
                pass

    def _answer(self, intervention: str) -> None:
        """Read the warning, then say so; once each, however often it is shown."""
        if intervention not in self._answered:
            self._answered.add(intervention)
            self._tasks.start(self._acknowledge(intervention), "acknowledge")

    async def _acknowledge(self, intervention: str) -> None:
        assert self._wire is not None
        await asyncio.sleep(READS_A_WARNING_S)
        await self._insist(self._wire, lambda id: m.Acknowledge(id, intervention), tries=10)
        self.acknowledged += 1

    def _on_media(self, connected: bool) -> None:
        if connected:
            self.live.set()
        else:
            self.live.clear()
