"""Databases of both kinds for every test that asks for `database` or `empty_url`.

MariaDB: the server at 127.0.0.1:3306 (or INVIGIL_TEST_MYSQL_PORT) where it lets root in, else one of
our own in a temporary directory where the binary is installed. Without either, those tests are
skipped with the reason; under CI they fail.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pymysql
import pytest

from db import migrate
from db.base import Base
from db.database import Database

MYSQL_HOST = "127.0.0.1"
MYSQL_PORT = int(os.environ.get("INVIGIL_TEST_MYSQL_PORT", "3306"))
START_LIMIT_S = 60


class MariaDb:
    """A server that lets root in without a password."""

    def __init__(self, port: int) -> None:
        self.port = port

    def execute(self, *statements: str) -> None:
        with (
            pymysql.connect(host=MYSQL_HOST, port=self.port, user="root", autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)

    def create(self) -> str:
        """A new, empty database of a name of its own; its URL."""
        name = f"invigil_test_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return f"mysql://root@{MYSQL_HOST}:{self.port}/{name}"

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]}")

    def empty(self, url: str) -> None:
        name = url.rsplit("/", 1)[1]
        deletes = [f"DELETE FROM {name}.{table.name}" for table in reversed(Base.metadata.sorted_tables)]
        self.execute(*deletes)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    server = MariaDb(MYSQL_PORT)
    try:
        server.execute("SELECT 1")
    except pymysql.Error as error:
        yield from _private_server(tmp_path_factory.mktemp("mariadb"), reason=str(error))
    else:
        yield server


def _private_server(directory: Path, *, reason: str) -> Iterator[MariaDb]:
    binary = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
    install = shutil.which("mariadb-install-db")
    if binary is None or install is None:
        _unavailable(
            f"no MariaDB at {MYSQL_HOST}:{MYSQL_PORT} ({reason}) and mariadb-server is not installed"
        )
    data = directory / "data"
    common = [f"--datadir={data}", "--no-defaults"]
    as_root = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        [install, common[1], common[0], *as_root, "--auth-root-authentication-method=normal"],
        check=True,
        capture_output=True,
    )
    with socket.socket() as probe:
        probe.bind((MYSQL_HOST, 0))
        port = probe.getsockname()[1]
    options = [f"--port={port}", f"--bind-address={MYSQL_HOST}", f"--socket={directory}/socket", *as_root]
    process = subprocess.Popen([binary, common[1], common[0], *options], stderr=subprocess.DEVNULL)
    try:
        yield _wait_for(MariaDb(port))
    finally:
        process.terminate()
        process.wait(timeout=START_LIMIT_S)


def _wait_for(server: MariaDb) -> MariaDb:
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        try:
            server.execute("SELECT 1")
        except pymysql.Error:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return server


def _unavailable(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def migrated_mariadb(mariadb: MariaDb) -> Iterator[str]:
    """Migrated once; emptied before each use."""
    url = mariadb.create()
    asyncio.run(migrate.upgrade(url))
    yield url
    mariadb.drop(url)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrated once; copied for each use."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(migrate.upgrade(f"sqlite:///{file}"))
    return file


BOTH = ["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)]


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database with nothing in it."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database in which nothing has been made yet, not even tables."""
    if request.param == "mariadb":
        server: MariaDb = request.getfixturevalue("mariadb")
        url = server.create()
        yield url
        server.drop(url)
    else:
        yield f"sqlite:///{tmp_path}/new/invigil.db"


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock(1_800_000_000.123456)


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """As `database_url`, for what only SQLite does."""
    file = tmp_path / "invigil.db"
    shutil.copyfile(migrated_sqlite, file)
    return f"sqlite:///{file}"


@pytest.fixture
def mariadb_url(mariadb: MariaDb, migrated_mariadb: str) -> str:
    """As `database_url`, for what only MariaDB does."""
    mariadb.empty(migrated_mariadb)
    return migrated_mariadb


@pytest.fixture
async def database(database_url: str, clock: HandClock) -> AsyncIterator[Database]:
    database = Database(database_url, clock=clock)
    yield database
    await database.close()
