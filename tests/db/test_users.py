"""Accounts: one an address, found however it is typed."""

from __future__ import annotations

import pytest

from core.errors import AlreadyExists, NotFound
from core.people import Role
from db.database import Database
from tests.db.conftest import HandClock


async def test_an_account_is_found_by_id_and_by_address(database: Database, clock: HandClock) -> None:
    async with database.transaction() as tx:
        made = await tx.users.add(
            email=" Zoë@Example.ORG ", name=" Zoë 👩‍🎓 ", role=Role.STUDENT, password_hash="hash"
        )

    async with database.reading() as tx:
        assert await tx.users.get(made.id) == made
        assert await tx.users.by_email("ZOË@example.org") == made
        assert await tx.users.by_email("zoe@example.org") is None, "an accent is another address"
    assert (made.email, made.name, made.role) == ("zoë@example.org", "Zoë 👩‍🎓", Role.STUDENT)
    assert (made.password_hash, made.created_at, made.active) == ("hash", clock.now, True)


async def test_an_address_is_taken_once(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.users.add(email="a@example.org", name="A", role=Role.STUDENT)

    with pytest.raises(AlreadyExists, match="account with this e-mail"):
        async with database.transaction() as tx:
            await tx.users.add(email="A@example.org", name="B", role=Role.PROCTOR)


async def test_passwords_and_disabling(database: Database, clock: HandClock) -> None:
    async with database.transaction() as tx:
        user = await tx.users.add(email="a@example.org", name="A", role=Role.STUDENT)
        await tx.users.set_password(user.id, "new")
        disabled = await tx.users.set_disabled(user.id, True)
    assert (disabled.password_hash, disabled.disabled_at, disabled.active) == ("new", clock.now, False)

    async with database.transaction() as tx:
        assert (await tx.users.set_disabled(user.id, False)).active


async def test_listing(database: Database) -> None:
    async with database.transaction() as tx:
        bea = await tx.users.add(email="b@example.org", name="Bea", role=Role.PROCTOR)
        abe = await tx.users.add(email="c@example.org", name="Abe", role=Role.PROCTOR)
        sam = await tx.users.add(email="s@example.org", name="Sam", role=Role.STUDENT)

    async with database.reading() as tx:
        assert await tx.users.with_role(Role.PROCTOR) == [abe, bea]
        assert await tx.users.many([sam.id, bea.id, "unknown"]) == {sam.id: sam, bea.id: bea}


async def test_nobody_is_not_found(database: Database) -> None:
    async with database.reading() as tx:
        with pytest.raises(NotFound, match="no such account"):
            await tx.users.get("nobody")
