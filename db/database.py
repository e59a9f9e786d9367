"""The one way to the data: a transaction that gives access to every entity's queries."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from core.errors import Conflict
from core.incidents import EventRecord
from core.ports import Clock
from db.attempts import Attempts
from db.consents import Consents
from db.engine import is_contention, make_engines, parse_url
from db.event_log import Events
from db.evidence import EvidenceIndex
from db.exams import Exams
from db.incidents import Incidents
from db.interventions import Interventions
from db.ledger import Ledger
from db.looks import Looks
from db.segments import Segments
from db.signals import Signals
from db.users import Users

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_TRIES = 8
"""Of one piece of work that keeps meeting others."""

Listener = Callable[[EventRecord], None]


class Transaction:
    """Entity queries that commit or fail together. For one task at a time."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self.session = session
        self.events = Events(session, clock)
        self.users = Users(session, clock)
        self.exams = Exams(session, clock)
        self.ledger = Ledger(session, self.events, clock)
        self.attempts = Attempts(session, self.ledger, self.events, clock)
        self.incidents = Incidents(session, self.events, clock)
        self.interventions = Interventions(session, self.events, clock)
        self.consents = Consents(session, self.events, clock)
        self.segments = Segments(session)
        self.evidence = EvidenceIndex(session)
        self.signals = Signals(session)
        self.looks = Looks(session)


class Database:
    """An open database. `clock` gives the time of whatever is written without one."""

    def __init__(self, url: str | URL, *, clock: Clock = time.time) -> None:
        """Raises BadSettings for a URL we cannot use; connects at the first transaction."""
        self.url = parse_url(url)
        self._engines = make_engines(self.url)
        self._clock = clock
        self._listeners: list[Listener] = []
        self._writers: set[asyncio.Task[Any] | None] = set()

    def listen(self, listener: Listener) -> None:
        """Have every event told, right after it was committed, in the order of its transaction.

        The listener must not block. Transactions of different tasks may be told in either order:
        go by `seq`.
        """
        self._listeners.append(listener)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Write: committed when the block ends, rolled back when it raises.

        Where two people may meet on one row, prefer `run`, which tries again after a deadlock.
        """
        with self._one_at_a_time():
            async with self._open(self._engines.write) as tx:
                try:
                    yield tx
                    await tx.session.commit()
                except StaleDataError as error:
                    raise Conflict(what="this") from error
        self._tell(tx.events.appended)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Read only: what is written here is refused or rolled back."""
        async with self._open(self._engines.read) as tx:
            yield tx

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do `work` in a transaction and commit it; once more from the start where the database gave
        way to somebody else (deadlock, lock timeout). `work` must have no other effects."""
        for attempt in range(1, MAX_TRIES):
            try:
                return await self._once(work)
            except DBAPIError as error:
                if not is_contention(error):
                    raise
                log.info("transaction gave way, trying again", extra={"try": attempt})
            await asyncio.sleep(random.uniform(0.005, 0.02) * 2**attempt)
        return await self._once(work)

    async def _once(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async with self.transaction() as tx:
            return await work(tx)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """A task that opens a second transaction inside its first would wait for itself."""
        task = asyncio.current_task()
        if task in self._writers:
            raise RuntimeError("this task has a transaction open already: pass it on instead")
        self._writers.add(task)
        try:
            yield
        finally:
            self._writers.discard(task)

    @asynccontextmanager
    async def _open(self, engine: AsyncEngine) -> AsyncIterator[Transaction]:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield Transaction(session, self._clock)

    def _tell(self, records: list[EventRecord]) -> None:
        for record in records:
            for listener in self._listeners:
                try:
                    listener(record)
                except Exception:
                    log.exception("event listener failed", extra={"event": record.type})

    async def close(self) -> None:
        """May be called twice."""
        await self._engines.dispose()
