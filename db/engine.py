"""Engines from a URL, set up so that nothing committed is lost and writers wait instead of failing.

SQLite takes one writer at a time. Writing transactions therefore say so at once (BEGIN IMMEDIATE)
and share one connection in each process, where they queue in order; other processes are waited for
by SQLite itself (busy timeout). Readers have connections of their own, which cannot write.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.errors import BadSettings

SQLITE_WAIT_S = 30.0
"""How long a writer waits for another process's transaction, and for its turn in this one."""

MYSQL_POOL = 10
MYSQL_RECYCLE_S = 1800
"""Renew connections before the server's own timeout (eight hours, often set far lower) cuts them."""


@dataclass(frozen=True, slots=True)
class Engines:
    """On MySQL both are the same."""

    write: AsyncEngine
    read: AsyncEngine

    async def dispose(self) -> None:
        await self.write.dispose()
        if self.read is not self.write:
            await self.read.dispose()


def parse_url(url: str | URL) -> URL:
    """The URL with the driver we use; raises BadSettings with a sentence that says what to write."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise BadSettings(
            detail="The database URL cannot be read; write sqlite:///path/to/file.db or "
            "mysql://user:password@host/database."
        ) from error
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite_url(parsed)
        case "mysql" | "mariadb":
            return _mysql_url(parsed)
        case other:
            raise BadSettings(detail=f"The database {other} is not supported; use sqlite or mysql.")


def _sqlite_url(url: URL) -> URL:
    if url.database in (None, "", ":memory:"):
        raise BadSettings(detail="The SQLite URL must name a file: sqlite:///path/to/file.db.")
    return url.set(drivername="sqlite+aiosqlite")


def _mysql_url(url: URL) -> URL:
    if importlib.util.find_spec("aiomysql") is None:
        raise BadSettings(detail="MySQL needs its driver: install invigil[mysql].")
    if not url.database:
        raise BadSettings(detail="The MySQL URL must name a database: mysql://user:password@host/database.")
    return url.set(drivername="mysql+aiomysql").update_query_dict({"charset": "utf8mb4"})


def shown(url: URL) -> str:
    """The URL as it may appear in logs and sentences: without its password."""
    return url.render_as_string(hide_password=True)


def make_engines(url: URL) -> Engines:
    """Engines for a URL from `parse_url`. Nothing is connected yet."""
    if url.get_backend_name() == "sqlite":
        return Engines(write=_sqlite_engine(url, writes=True), read=_sqlite_engine(url, writes=False))
    engine = create_async_engine(
        url,
        isolation_level="READ COMMITTED",
        json_serializer=_to_json,
        pool_size=MYSQL_POOL,
        max_overflow=0,
        pool_pre_ping=True,
        pool_recycle=MYSQL_RECYCLE_S,
        # Refuse what does not fit instead of cutting it off in silence, whatever the server's default.
        connect_args={"init_command": "SET SESSION sql_mode = 'TRADITIONAL'"},
    )
    return Engines(write=engine, read=engine)


def _sqlite_engine(url: URL, *, writes: bool) -> AsyncEngine:
    engine = create_async_engine(
        url,
        json_serializer=_to_json,
        pool_size=1 if writes else 4,
        max_overflow=0,
        pool_timeout=SQLITE_WAIT_S,
        connect_args={"timeout": SQLITE_WAIT_S},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # The driver's own idea of when to BEGIN leaves DDL and SELECT outside transactions.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        # Wait for the disk at each commit: what we told people must survive a power cut.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        if not writes:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def create_sqlite_file(url: URL) -> None:
    """Make the file and its directory, readable by us alone; raises BadSettings where that fails."""
    if url.get_backend_name() != "sqlite":
        return
    file = Path(str(url.database))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise BadSettings(detail=f"The database file {file} cannot be made: {error.strerror}.") from error


_MYSQL_CONTENTION = frozenset({1205, 1213, 1020})
"""Lock wait timeout; deadlock; record changed since last read."""
_SQLITE_BUSY = 5


def is_contention(error: DBAPIError) -> bool:
    """Whether the transaction failed only because of others, so that trying again is right."""
    cause: object = error.orig
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return int(code) & 0xFF == _SQLITE_BUSY
    arguments: tuple[object, ...] = getattr(cause, "args", ())
    return bool(arguments) and arguments[0] in _MYSQL_CONTENTION


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
