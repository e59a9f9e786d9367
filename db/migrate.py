"""Bring a database to the schema this code wants (`upgrade`), or say how far it is (`current`, `check`).

Works from an installed package: no alembic.ini, no working directory. All raise BadSettings, with a
sentence for the operator, where the database cannot be reached or was made by newer code.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import BadSettings
from db.base import Word
from db.engine import create_sqlite_file, make_engines, parse_url, shown

MYSQL_LOCK_WAIT_S = 60
"""How long one starting server waits for another that is migrating."""


async def upgrade(url: str | URL) -> None:
    """Create or bring up to date; a second call changes nothing. Makes an SQLite file and its directory."""
    parsed = parse_url(url)
    create_sqlite_file(parsed)
    async with _connected(parsed) as connection, _alone(connection, parsed):
        await _refuse_newer(connection, parsed)
        await connection.run_sync(lambda sync: command.upgrade(_config(sync), "head"))
        await connection.commit()


async def current(url: str | URL) -> str | None:
    """The revision the database is at; None where it is empty."""
    async with _connected(parse_url(url)) as connection:
        return await connection.run_sync(_revision)


async def check(url: str | URL) -> None:
    """Raises BadSettings unless the database is at exactly the revision this code wants."""
    parsed = parse_url(url)
    async with _connected(parsed) as connection:
        await _refuse_newer(connection, parsed)
        if await connection.run_sync(_revision) != head():
            raise BadSettings(
                detail=f"The database {shown(parsed)} is not up to date; "
                "start invigil serve once to migrate it."
            )


def head() -> str:
    """The revision this code wants."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None
    return found


async def revise(url: str | URL, message: str) -> None:
    """For developers: write a new migration from what the models say and the database lacks."""
    async with _connected(parse_url(url)) as connection:

        def write(sync: Connection) -> None:
            known = len(list(ScriptDirectory.from_config(_config()).walk_revisions()))
            command.revision(_config(sync), message, autogenerate=True, rev_id=f"{known + 1:04d}")

        await connection.run_sync(write)


def same_type(
    _context: MigrationContext,
    _inspected_column: Any,
    _metadata_column: Any,
    inspected_type: Any,
    metadata_type: Any,
) -> bool | None:
    """Alembic's `compare_type`. MariaDB keeps JSON as LONGTEXT; that is no difference to migrate."""
    if type(metadata_type).__name__ == "JSON" and type(inspected_type).__name__ == "LONGTEXT":
        return False
    return None


def render_type(kind: str, thing: Any, _context: object) -> str | Literal[False]:
    """Alembic's `render_item`: migrations are frozen and must not follow our own types as those change."""
    if kind == "type" and isinstance(thing, Word):
        return f"sa.String({thing.length})"
    return False


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    # A percent sign in the path would be taken for interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


async def _refuse_newer(connection: AsyncConnection, url: URL) -> None:
    found = await connection.run_sync(_revision)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise BadSettings(
            detail=f"The database {shown(url)} was made by a newer Invigil (its revision {found} is unknown "
            "here). Install that version, or restore a backup from before its migration."
        )


@asynccontextmanager
async def _connected(url: URL) -> AsyncIterator[AsyncConnection]:
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        raise BadSettings(detail=f"There is no database file {url.database} yet.")
    engines = make_engines(url)
    try:
        try:
            connection = await engines.write.connect()
        except (DBAPIError, sqlite3.Error, OSError) as error:
            why = getattr(error, "orig", None) or error
            raise BadSettings(detail=f"The database {shown(url)} cannot be opened: {why}.") from error
        try:
            yield connection
        finally:
            await connection.close()
    finally:
        await engines.dispose()


@asynccontextmanager
async def _alone(connection: AsyncConnection, url: URL) -> AsyncIterator[None]:
    """Keep other starting servers out. SQLite does that by itself: ours is its one writing transaction."""
    if connection.dialect.name == "sqlite":
        yield
        return
    name = f"invigil-migrate-{url.database}"[:64]
    got = await connection.scalar(
        text("SELECT GET_LOCK(:name, :wait)"), {"name": name, "wait": MYSQL_LOCK_WAIT_S}
    )
    if not got:
        raise BadSettings(
            detail=f"Another server is still migrating {shown(url)}; wait for it and start again."
        )
    try:
        yield
    finally:
        await connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})
