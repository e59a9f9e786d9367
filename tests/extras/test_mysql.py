"""The `mysql` extra alone is all the data layer needs for a MariaDB server."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from core.people import Role
from db import migrate
from db.database import Database

pytestmark = pytest.mark.extras
pymysql = pytest.importorskip("pymysql")

PORT = int(os.environ.get("INVIGIL_TEST_MYSQL_PORT", "3306"))


@pytest.fixture
def empty_mysql() -> Iterator[str]:
    """The URL of an empty database, dropped afterwards."""
    try:
        connection = pymysql.connect(host="127.0.0.1", port=PORT, user="root", autocommit=True)
    except pymysql.Error as error:
        pytest.skip(f"no MariaDB at 127.0.0.1:{PORT} ({error})")
    name = f"invigil_extra_{uuid.uuid4().hex[:12]}"
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            yield f"mysql://root@127.0.0.1:{PORT}/{name}"
        finally:
            cursor.execute(f"DROP DATABASE {name}")


async def test_mysql_is_migrated_and_keeps_what_it_is_given(empty_mysql: str) -> None:
    await migrate.upgrade(empty_mysql)
    database = Database(empty_mysql)
    try:
        added = await database.run(
            lambda tx: tx.users.add(email="zoë@example.org", name="Zoë 😀", role=Role.PROFESSOR)
        )
        async with database.reading() as tx:
            assert await tx.users.get(added.id) == added
    finally:
        await database.close()
