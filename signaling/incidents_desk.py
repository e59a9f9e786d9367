"""From findings to incidents on the record: what analysis reports, what the browser says, what broke.

Findings of one attempt are taken one after the other, in the order they came. Before the start and
after the end nothing goes on the record; what already holds when an attempt starts is taken up then.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal

from analyzers.browser import BrowserWatch
from analyzers.dwell import new_id
from analyzers.tracker import IncidentChange, IncidentTracker
from core.attempts import AttemptStatus
from core.findings import Finding, Phase
from core.incidents import EventRecord
from core.kinds import Kind
from core.ports import Clock, EvidenceStore
from core.samples import ClientSignal
from core.tasks import TaskSet
from db.database import Database, Transaction
from db.incidents import Step
from signaling.rooms import Rooms
from signaling.seat import Seat

log = logging.getLogger(__name__)

Origin = Literal["analysis", "browser", "plumbing"]

WAITING = 200
"""Findings of one attempt not yet on the record; beyond that mere updates are dropped."""


@dataclass(slots=True)
class _Watch:
    """One attempt's perception, as far as it lives in this process."""

    seat: Seat
    tracker: IncidentTracker
    browser: BrowserWatch = field(default_factory=BrowserWatch)
    holding: dict[str, tuple[Origin, Finding]] = field(default_factory=dict)
    """Findings that have started and not ended."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    restored: bool = False
    waiting: int = 0


class IncidentsDesk:
    def __init__(self, database: Database, rooms: Rooms, evidence: EvidenceStore, clock: Clock) -> None:
        self._database = database
        self._rooms = rooms
        self._evidence = evidence
        self._clock = clock
        self._watches: dict[str, _Watch] = {}
        self._tasks = TaskSet("incidents")
        self._time = TaskSet("incidents time")
        self.dropped = 0
        """Updates of findings that came faster than they could be written down."""
        rooms.on_record(self._recorded)

    async def start(self) -> None:
        """Take up what was open before a restart."""
        for room in self._rooms:
            for seat in room.seats.values():
                if seat.under_way:
                    await self._advance(self._watch(seat))
        self._time.start(self._keep_time(), name="incidents.time")

    async def aclose(self) -> None:
        """Everything reported so far is put on the record first. May be called twice."""
        await self._time.aclose()
        await self._tasks.drain(10.0)
        await self._tasks.aclose()

    def report(self, seat: Seat, finding: Finding, jpeg: bytes | None = None) -> None:
        """What analysis found; `jpeg` is evidence that belongs to this phase of it."""
        if seat.status.over:
            return
        watch = self._watch(seat)
        if watch.waiting >= WAITING and finding.phase is Phase.UPDATE:
            self.dropped += 1
            return
        self._enqueue(watch, self._take(watch, "analysis", finding, jpeg))

    async def signal(self, seat: Seat, signal: ClientSignal) -> None:
        """What the student's browser says: kept as it came, then looked at. Done when it is on record."""

        async def work(tx: Transaction) -> None:
            await tx.signals.add(seat.attempt_id, signal)

        await self._database.run(work)
        watch = self._watch(seat)
        for finding in watch.browser.push(signal):
            await self._take(watch, "browser", finding, None)

    def page_left(self, seat: Seat) -> None:
        """The student's page is gone: whatever it said to hold is over, not cleared."""
        watch = self._watch(seat)
        for finding in watch.browser.close(self._clock()):
            self._enqueue(watch, self._take(watch, "browser", finding, None))

    def begin(self, seat: Seat, kind: Kind, what: str) -> None:
        """Something in the plumbing is wrong from now on; a second time changes nothing."""
        watch = self._watch(seat)
        now = self._clock()
        finding = Finding(
            id=f"{kind}-{what}",
            kind=kind,
            detector="plumbing",
            phase=Phase.START,
            at=now,
            started_at=now,
            confidence=1.0,
            attributes={"what": what},
        )
        if finding.id not in watch.holding:
            watch.holding[finding.id] = ("plumbing", finding)
            self._enqueue(watch, self._take(watch, "plumbing", finding, None))

    def end(self, seat: Seat, kind: Kind, what: str) -> None:
        """It is well again; nothing happens where it never was wrong."""
        watch = self._watch(seat)
        held = watch.holding.pop(f"{kind}-{what}", None)
        if held is not None:
            finding = _ended(held[1], self._clock(), "cleared")
            self._enqueue(watch, self._take(watch, "plumbing", finding, None))

    def note(self, seat: Seat, kind: Kind, started_at: float, ended_at: float, what: str) -> None:
        """Something in the plumbing that is already over (a gap found afterwards)."""
        watch = self._watch(seat)
        start = Finding(
            id=new_id(),
            kind=kind,
            detector="plumbing",
            phase=Phase.START,
            at=started_at,
            started_at=started_at,
            confidence=1.0,
            attributes={"what": what},
        )
        self._enqueue(watch, self._take(watch, "plumbing", start, None))
        over = _ended(start, ended_at, "cleared")
        self._enqueue(watch, self._take(watch, "plumbing", over, None))

    def abandon(self, seat: Seat) -> None:
        """Analysis crashed or lost sight: its findings end, and that is not an all-clear."""
        watch = self._watch(seat)
        now = self._clock()
        for origin, finding in list(watch.holding.values()):
            if origin == "analysis":
                over = _ended(finding, now, "could_not_measure")
                self._enqueue(watch, self._take(watch, "analysis", over, None))

    def _watch(self, seat: Seat) -> _Watch:
        if seat.attempt_id not in self._watches:
            self._watches[seat.attempt_id] = _Watch(seat, IncidentTracker(seat.attempt_id))
        return self._watches[seat.attempt_id]

    def _enqueue(self, watch: _Watch, work: Coroutine[Any, Any, None]) -> None:
        watch.waiting += 1
        task = self._tasks.start(work, name=f"incidents.{watch.seat.attempt_id}")
        task.add_done_callback(lambda _: _one_less(watch))

    async def _take(self, watch: _Watch, origin: Origin, finding: Finding, jpeg: bytes | None) -> None:
        async with watch.lock:  # Locks are first come, first served: the order is kept.
            if finding.phase is Phase.END:
                watch.holding.pop(finding.id, None)
            else:
                watch.holding[finding.id] = (origin, finding)
            if not watch.seat.under_way:
                return
            await self._restore(watch)
            key = await self._keep(watch.seat, finding, jpeg) if jpeg else None
            await self._record(watch.seat, watch.tracker.feed(finding, key))

    async def _keep(self, seat: Seat, finding: Finding, jpeg: bytes) -> str:
        name = f"{finding.kind}-{int(finding.at * 1000)}-{new_id()[:8]}.jpg"
        return await self._evidence.put(seat.attempt_id, name, jpeg)

    async def _record(self, seat: Seat, changes: list[IncidentChange]) -> None:
        if not changes:
            return

        async def work(tx: Transaction) -> None:
            for change in changes:
                await tx.incidents.record(seat.exam_id, change.incident, Step(change.change))

        await self._database.run(work)

    async def _restore(self, watch: _Watch) -> None:
        if watch.restored:
            return
        async with self._database.reading() as tx:
            stored = await tx.incidents.of_attempt(watch.seat.attempt_id)
        watch.tracker.restore((one.incident for one in stored), self._clock())
        watch.restored = True

    def _recorded(self, seat: Seat, record: EventRecord) -> None:
        if record.type != "attempt.status":
            return
        watch = self._watch(seat)
        if seat.status.over:
            self._enqueue(watch, self._finish(watch, record.at))
        elif record.payload["previous"] == AttemptStatus.NONE.value:
            self._enqueue(watch, self._take_up(watch, record.at))

    async def _take_up(self, watch: _Watch, at: float) -> None:
        """The attempt has started: what holds already counts from now."""
        async with watch.lock:
            await self._restore(watch)
            for _, finding in list(watch.holding.values()):
                fresh = dataclasses.replace(finding, phase=Phase.START, at=at, started_at=at, boxes=())
                await self._record(watch.seat, watch.tracker.feed(fresh))

    async def _finish(self, watch: _Watch, at: float) -> None:
        async with watch.lock:
            await self._restore(watch)
            await self._record(watch.seat, watch.tracker.close_all(at))
        self._watches.pop(watch.seat.attempt_id, None)

    async def _advance(self, watch: _Watch) -> None:
        async with watch.lock:
            await self._restore(watch)
            await self._record(watch.seat, watch.tracker.tick(self._clock()))

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            for watch in list(self._watches.values()):
                if watch.seat.under_way:
                    try:
                        await self._advance(watch)
                    except Exception:
                        log.exception("incidents could not be brought up to date, trying again")


def _one_less(watch: _Watch) -> None:
    watch.waiting -= 1


def _ended(finding: Finding, at: float, why: str) -> Finding:
    return dataclasses.replace(
        finding,
        phase=Phase.END,
        at=at,
        ended_at=at,
        attributes={**finding.attributes, "ended": why},
    )
