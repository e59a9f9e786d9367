"""Who is in which exam, with which role, and what each of them is told.

A room follows its exam's event log: each record is read back from the database in the order of its
number, folded into the seats, and only then told. So nobody hears of what is not on disk, and all
hear it in one order, whoever wrote it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from core.errors import NotFound
from core.incidents import EventRecord
from core.ports import Clock
from core.tasks import TaskSet
from db.database import Database
from db.exams import Exam
from db.users import User
from signaling.messages import AttemptMessage, Bye, Content, ServerMessage
from signaling.paper import to_html
from signaling.seat import Seat
from signaling.seating import load_seat, load_seats
from signaling.socket import Socket
from signaling.telling import for_proctor, for_student

log = logging.getLogger(__name__)

REPLAYED = 2_000
"""Events told to someone who comes back; with more than that missed, the welcome has to do."""

OTHERS_S = 2.0
"""Between two looks for what other processes wrote."""

RecordListener = Callable[[Seat, EventRecord], None]


@dataclass(eq=False, slots=True)
class ProctorPresence:
    """One proctor's socket in a room."""

    socket: Socket
    user: User
    focus: str | None = None
    """The attempt whose overlays it gets."""
    watchers: dict[str, int] = field(default_factory=dict)
    """Watcher id → media process."""


class ExamRoom:
    def __init__(self, exam: Exam, database: Database, clock: Clock, listeners: list[RecordListener]) -> None:
        self.exam = exam
        self.seats: dict[str, Seat] = {}
        self.students: dict[str, Socket] = {}
        self.proctors: set[ProctorPresence] = set()
        self.seq = 0
        """The last record folded and told."""
        self._database = database
        self._clock = clock
        self._listeners = listeners
        self._poked = asyncio.Event()

    async def load(self) -> None:
        """The number is read before the rest: what happens in between is folded again, to the same end."""
        async with self._database.reading() as tx:
            self.seq = await tx.events.last_seq(self.exam.id)
            for seat in await load_seats(tx, self.exam, self._clock()):
                self.seats[seat.attempt_id] = seat

    def poke(self) -> None:
        """There is something new in the log."""
        self._poked.set()

    async def follow(self) -> None:
        """Read the log as it grows, for as long as the room is open: at once what this process writes,
        and soon what another does."""
        while True:
            with contextlib.suppress(TimeoutError):
                # Not wait_for: before Python 3.12 it may swallow a cancellation that comes with the poke.
                async with asyncio.timeout(OTHERS_S):
                    await self._poked.wait()
            self._poked.clear()
            try:
                await self._catch_up()
            except Exception:
                log.exception("a room could not read its log, trying again", extra={"exam": self.exam.id})
                await asyncio.sleep(1.0)
                self._poked.set()

    async def _catch_up(self) -> None:
        while records := await self._since(self.seq):
            for record in records:
                await self._take(record)

    async def _since(self, seq: int) -> list[EventRecord]:
        async with self._database.reading() as tx:
            return await tx.events.since(self.exam.id, seq)

    async def _take(self, record: EventRecord) -> None:
        seat = await self._seat_of(record)
        self.seq = record.seq
        if seat is not None:
            seat.fold(record)
        self._tell(seat, record)
        if seat is None:
            return
        for listener in self._listeners:
            try:
                listener(seat, record)
            except Exception:
                log.exception("a listener failed", extra={"event": record.type})

    async def seat(self, attempt_id: str) -> Seat:
        """One admitted since the room was loaded is loaded now: a student's page may be here before
        the record of the admission was followed. Raises NotFound."""
        if attempt_id not in self.seats:
            async with self._database.reading() as tx:
                loaded = await load_seat(tx, self.exam, attempt_id, self._clock())
            self.seats.setdefault(attempt_id, loaded)
        return self.seats[attempt_id]

    async def _seat_of(self, record: EventRecord) -> Seat | None:
        """The seat a record concerns."""
        try:
            return await self.seat(record.attempt_id) if record.attempt_id is not None else None
        except NotFound:
            return None  # Deleted; the log outlives what it speaks of.

    def _tell(self, seat: Seat | None, record: EventRecord) -> None:
        said = for_proctor(record)
        if record.type == "attempt.admitted" and seat is not None:
            view = msgspec.to_builtins(seat.view(self._clock()))
            said = msgspec.structs.replace(said, payload={**said.payload, "view": view})
        self.tell_proctors(said)
        if seat is None:
            return
        self.tell_tile(seat)
        if (own := for_student(record)) is not None:
            self.tell_student(seat.attempt_id, own)
            self.tell_attempt(seat)
        if record.type == "attempt.status":
            self.tell_student(seat.attempt_id, self.content(seat))

    def tell_proctors(self, message: ServerMessage) -> None:
        for proctor in self.proctors:
            proctor.socket.tell(message)

    def tell_tile(self, seat: Seat) -> None:
        tile = seat.tile(self._clock())
        for proctor in self.proctors:
            proctor.socket.tell_latest(f"tile:{seat.attempt_id}", tile)

    def tell_student(self, attempt_id: str, message: ServerMessage) -> None:
        socket = self.students.get(attempt_id)
        if socket is not None:
            socket.tell(message)

    def tell_student_latest(self, attempt_id: str, key: str, message: ServerMessage) -> None:
        socket = self.students.get(attempt_id)
        if socket is not None:
            socket.tell_latest(key, message)

    def tell_attempt(self, seat: Seat) -> None:
        self.tell_student(seat.attempt_id, AttemptMessage(attempt=seat.student_state(self._clock())))

    def content(self, seat: Seat) -> Content:
        """The questions, to nobody before the start, in a pause, or after the end."""
        return Content(html=to_html(self.exam.content) if seat.status.value == "running" else None)

    async def missed(self, resume: int | None) -> list[EventRecord]:
        """Records after `resume` that the room has told already. Whoever joins right after this,
        without waiting in between, gets every later one from the room."""
        if resume is None or resume >= self.seq or self.seq - resume > REPLAYED:
            return []
        records: list[EventRecord] = []
        seen = resume
        while seen < self.seq and (batch := await self._since(seen)):
            records += batch
            seen = batch[-1].seq
        return [record for record in records if record.seq <= self.seq]

    def join_student(self, attempt_id: str, socket: Socket) -> None:
        """The newest page wins: an older one of the same attempt is told so and closed."""
        before = self.students.get(attempt_id)
        if before is not None and before is not socket:
            before.end(Bye(reason="opened-elsewhere"))
        self.students[attempt_id] = socket

    def leave_student(self, attempt_id: str, socket: Socket) -> bool:
        """Whether that leaves the attempt without a page."""
        if self.students.get(attempt_id) is not socket:
            return False
        del self.students[attempt_id]
        return True

    def watchers_of(self, attempt_id: str) -> Iterable[ProctorPresence]:
        """Proctors who have this attempt in focus."""
        return (proctor for proctor in self.proctors if proctor.focus == attempt_id)


class Rooms:
    """Opens a room when it is first wanted and keeps it; knows in which one an attempt sits."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._rooms: dict[str, ExamRoom] = {}
        self._opening = asyncio.Lock()
        self._listeners: list[RecordListener] = []
        self._tasks = TaskSet("rooms")
        database.listen(self._appended)

    def on_record(self, listener: RecordListener) -> None:
        """Have every record that concerns an attempt told after it was folded."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Open the rooms of all attempts under way."""
        async with self._database.reading() as tx:
            exams = {attempt.exam_id for attempt in await tx.attempts.under_way()}
        for exam_id in sorted(exams):
            await self.room(exam_id)

    async def room(self, exam_id: str) -> ExamRoom:
        """Raises NotFound."""
        async with self._opening:
            if exam_id not in self._rooms:
                async with self._database.reading() as tx:
                    exam = await tx.exams.get(exam_id)
                room = ExamRoom(exam, self._database, self._clock, self._listeners)
                await room.load()
                self._rooms[exam_id] = room
                self._tasks.start(room.follow(), name=f"room.{exam_id}")
                room.poke()
            return self._rooms[exam_id]

    def __iter__(self) -> Iterator[ExamRoom]:
        return iter(list(self._rooms.values()))

    def find(self, attempt_id: str) -> tuple[ExamRoom, Seat] | None:
        """Where an attempt sits, among the open rooms."""
        for room in self._rooms.values():
            if (seat := room.seats.get(attempt_id)) is not None:
                return room, seat
        return None

    def _appended(self, record: EventRecord) -> None:
        if (room := self._rooms.get(record.exam_id)) is not None:
            room.poke()

    def send_away(self) -> None:
        """The server stops: everybody is told to come back."""
        for room in self._rooms.values():
            for socket in [*room.students.values(), *(proctor.socket for proctor in room.proctors)]:
                socket.end(Bye(reason="restarting", reconnect=True))

    async def aclose(self) -> None:
        """Stop following. May be called twice."""
        await self._tasks.aclose()
