"""Numbers that are unique and grow, nothing lost, nothing overtaken: also with many writers."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from core.incidents import EventRecord
from core.ports import EventLog
from db.database import Database
from db.event_log import DatabaseEventLog

ROOT = Path(__file__).parents[2]

WRITER = """
import asyncio, sys
from db.database import Database
from db.event_log import DatabaseEventLog

async def main(url, name, count):
    database = Database(url)
    log = DatabaseEventLog(database)
    for number in range(count):
        await log.append(exam_id="e", attempt_id=None, type="t", payload={"by": name, "number": number})
    await database.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@pytest.fixture
def log(database: Database) -> EventLog:
    return DatabaseEventLog(database)


async def append(log: EventLog, exam_id: str = "e", **payload: object) -> EventRecord:
    return await log.append(exam_id=exam_id, attempt_id="a", type="test.said", payload=payload)


async def test_what_was_appended_comes_back_whole(log: EventLog) -> None:
    payload = {"text": "Grüße 👋", "at": 1_800_000_000.123456, "none": None, "list": [1, {"deep": True}]}
    record = await log.append(
        exam_id="e", attempt_id="a", type="test.said", payload=payload, actor="u", at=1_800_000_000.654321
    )

    assert await log.since("e", 0) == [record]
    assert record == EventRecord(1, "e", "a", 1_800_000_000.654321, "test.said", payload, "u")


async def test_numbers_grow_by_one_in_each_exam(log: EventLog) -> None:
    numbers = [(await append(log, exam)).seq for exam in ("e", "e", "f", "e", "f")]

    assert numbers == [1, 2, 1, 3, 2]


async def test_since_resumes_after_the_last_number_seen(log: EventLog) -> None:
    for number in range(5):
        await append(log, number=number)

    assert [record.seq for record in await log.since("e", 2)] == [3, 4, 5]
    assert [record.seq for record in await log.since("e", 1, limit=2)] == [2, 3]
    assert await log.since("e", 5) == []
    assert await log.since("unknown", 0) == []


async def test_fifty_writers_at_once_lose_nothing(log: EventLog) -> None:
    records = await asyncio.gather(*(append(log, writer=writer) for writer in range(50)))

    assert sorted(record.seq for record in records) == list(range(1, 51))
    stored = await log.since("e", 0)
    assert {record.payload["writer"] for record in stored} == set(range(50))


async def test_writers_in_several_processes_share_one_sequence(database_url: str, log: EventLog) -> None:
    commands = [[sys.executable, "-c", WRITER, database_url, name, "25"] for name in "xyz"]
    processes = [await asyncio.create_subprocess_exec(*command, cwd=ROOT) for command in commands]
    own = [append(log, by="own", number=number) for number in range(25)]
    await asyncio.gather(*own, *(process.wait() for process in processes))

    assert [process.returncode for process in processes] == [0, 0, 0]
    stored = await log.since("e", 0)
    assert [record.seq for record in stored] == list(range(1, 101))
    for name in "xyz":
        theirs = [record.payload["number"] for record in stored if record.payload["by"] == name]
        assert theirs == list(range(25)), "each writer's own order is kept"


async def test_a_reader_who_follows_never_misses_one(log: EventLog) -> None:
    """A later number must not become visible before an earlier one: the reader would skip it for good."""
    seen: list[int] = []
    writing = asyncio.gather(*(append(log, writer=writer) for writer in range(40)))
    while len(seen) < 40:
        seen += [record.seq for record in await log.since("e", seen[-1] if seen else 0)]
    await writing

    assert seen == list(range(1, 41))


async def test_a_number_waits_for_the_one_before_it(database: Database) -> None:
    """While a transaction that took a number is open, nobody else's event can be committed past it."""
    taken, finish = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with database.transaction() as tx:
            await tx.events.append(exam_id="e", attempt_id=None, type="slow", payload={})
            taken.set()
            await finish.wait()

    first = asyncio.create_task(slow())
    await taken.wait()
    second = asyncio.create_task(append(DatabaseEventLog(database)))
    done, _ = await asyncio.wait([second], timeout=0.3)
    assert not done
    finish.set()
    await first

    assert (await second).seq == 2


async def test_a_failed_transaction_leaves_no_event_and_no_hole(database: Database, log: EventLog) -> None:
    await append(log)
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            await tx.events.append(exam_id="e", attempt_id=None, type="lost", payload={})
            raise ZeroDivisionError

    assert (await append(log)).seq == 2
    assert [record.type for record in await log.since("e", 0)] == ["test.said", "test.said"]


async def test_what_json_cannot_say_is_refused(log: EventLog) -> None:
    with pytest.raises(Exception, match="not JSON compliant"):
        await append(log, score=float("nan"))
    assert await log.since("e", 0) == []
