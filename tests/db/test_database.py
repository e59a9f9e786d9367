"""Transactions: all or nothing, told after, tried again after a deadlock, safe among many writers."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.incidents import EventRecord
from core.people import Role
from db.database import Database, Transaction
from tests.db.people import make_sitting


async def add_user(tx: Transaction, number: int) -> None:
    await tx.users.add(email=f"{number}@example.org", name=f"User {number}", role=Role.STUDENT)


async def test_a_block_that_raises_changes_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            await add_user(tx, 1)
            raise ZeroDivisionError

    async with database.reading() as tx:
        assert await tx.users.by_email("1@example.org") is None


async def test_what_was_committed_is_there_for_the_next_process(
    database: Database, database_url: str
) -> None:
    async with database.transaction() as tx:
        await add_user(tx, 1)

    other = Database(database_url)
    async with other.reading() as tx:
        assert await tx.users.by_email("1@example.org") is not None
    await other.close()


async def test_fifty_read_modify_write_transactions_lose_no_update(database: Database) -> None:
    """Each reads what is there before it writes: the pattern that ends in "database is locked"
    where a transaction only becomes a writer half-way."""
    sitting = await make_sitting(database)

    async def count(tx: Transaction) -> None:
        attempt = await tx.attempts.lock(sitting.attempt.id)
        counted = attempt.accommodations.get("count", 0) + 1
        await tx.attempts.set_accommodations(attempt.id, {"count": counted})

    await asyncio.gather(*(database.run(count) for _ in range(50)))

    async with database.reading() as tx:
        assert (await tx.attempts.get(sitting.attempt.id)).accommodations == {"count": 50}


async def test_two_databases_on_one_file_take_turns(database: Database, database_url: str) -> None:
    """As two processes would: each has a writing connection of its own."""
    other = Database(database_url)
    await asyncio.gather(
        *(
            each.run(lambda tx, number=number: add_user(tx, number))
            for number, each in enumerate([database, other] * 25)
        )
    )
    await other.close()

    async with database.reading() as tx:
        assert len(await tx.users.with_role(Role.STUDENT)) == 50


async def test_reading_goes_on_while_somebody_writes(database: Database) -> None:
    async with database.transaction() as writing:
        await add_user(writing, 1)
        async with database.reading() as tx:
            assert await tx.users.by_email("1@example.org") is None


async def test_reading_cannot_write(database: Database) -> None:
    sqlite = database.url.get_backend_name() == "sqlite"
    # MySQL has no such connections: there it is rolled back in silence.
    with pytest.raises(DBAPIError, match="readonly") if sqlite else contextlib.nullcontext():
        async with database.reading() as tx:
            await add_user(tx, 1)

    async with database.reading() as tx:
        assert await tx.users.by_email("1@example.org") is None


async def test_a_transaction_inside_another_is_refused_at_once(database: Database) -> None:
    """It would wait for itself for ever."""
    async with database.transaction() as tx:
        await add_user(tx, 1)
        with pytest.raises(RuntimeError, match="open already"):
            await database.run(lambda inner: add_user(inner, 2))

    await database.run(lambda tx: add_user(tx, 2))
    async with database.reading() as tx:
        assert len(await tx.users.with_role(Role.STUDENT)) == 2


async def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with database.transaction() as tx:
            await tx.looks.add("no such attempt", "nobody", 1.0)


async def test_listeners_are_told_after_the_commit_and_only_then(
    database: Database, database_url: str
) -> None:
    told: list[EventRecord] = []
    database.listen(told.append)
    async with database.transaction() as tx:
        first = await tx.events.append(exam_id="e", attempt_id=None, type="a", payload={})
        second = await tx.events.append(exam_id="e", attempt_id=None, type="b", payload={})
        assert told == []
    assert told == [first, second]

    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            await tx.events.append(exam_id="e", attempt_id=None, type="c", payload={})
            raise ZeroDivisionError
    assert told == [first, second]


async def test_a_listener_that_fails_silences_nobody(database: Database) -> None:
    told: list[EventRecord] = []

    def broken(record: EventRecord) -> None:
        raise RuntimeError(record.type)

    database.listen(broken)
    database.listen(told.append)
    async with database.transaction() as tx:
        record = await tx.events.append(exam_id="e", attempt_id=None, type="a", payload={})

    assert told == [record]


async def test_a_deadlock_is_tried_again(database: Database, database_url: str) -> None:
    """Two transactions take the same two locks in opposite order; on SQLite they simply queue."""
    sitting = await make_sitting(database)
    tries = 0
    held = [asyncio.Event(), asyncio.Event()]

    async def cross(tx: Transaction, me: int) -> None:
        nonlocal tries
        tries += 1
        names = ["sam@example.org", "ada@example.org"]
        for step, email in enumerate(names if me else reversed(names)):
            await tx.session.execute(
                text("UPDATE users SET name = :name WHERE email = :email"), {"name": f"n{me}", "email": email}
            )
            if step == 0 and database.url.get_backend_name() == "mysql":
                held[me].set()
                await held[1 - me].wait()

    await asyncio.gather(*(database.run(lambda tx, me=me: cross(tx, me)) for me in (0, 1)))

    async with database.reading() as tx:
        people = await tx.users.many([sitting.student.id, sitting.professor.id])
    assert len({user.name for user in people.values()}) == 1, "the last transaction wrote both"
    assert tries == (3 if database.url.get_backend_name() == "mysql" else 2)


async def test_another_process_that_keeps_the_lock_is_waited_for(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    foreign = sqlite3.connect(str(database.url.database), isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")

    waiting = asyncio.create_task(database.run(lambda tx: add_user(tx, 1)))
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done
    foreign.execute("COMMIT")
    foreign.close()
    await waiting

    async with database.reading() as tx:
        assert await tx.users.by_email("1@example.org") is not None
    await database.close()


async def test_sqlite_waits_for_the_disk_and_writes_ahead(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    async with database.transaction() as tx:
        found = {
            name: await tx.session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
    await database.close()


@pytest.mark.mariadb
async def test_mysql_reads_committed_and_refuses_what_does_not_fit(mariadb_url: str) -> None:
    database = Database(mariadb_url)
    async with database.transaction() as tx:
        assert await tx.session.scalar(text("SELECT @@tx_isolation")) == "READ-COMMITTED"
        assert await tx.session.scalar(text("SELECT @@character_set_connection")) == "utf8mb4"
    with pytest.raises(DBAPIError, match="too long"):
        async with database.transaction() as tx:
            await tx.users.add(email="a@b.c", name="x" * 300, role=Role.STUDENT)
    await database.close()


async def test_closing_twice_is_fine(database: Database) -> None:
    await database.close()
    await database.close()
