"""Accounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import AlreadyExists, NotFound
from core.people import Role
from core.ports import Clock
from db.base import new_id
from db.models import UserRow


@dataclass(frozen=True, slots=True)
class User:
    id: str
    email: str
    name: str
    role: Role
    password_hash: str | None
    created_at: float
    disabled_at: float | None

    @property
    def active(self) -> bool:
        return self.disabled_at is None


class Users:
    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def add(
        self, *, email: str, name: str, role: Role, password_hash: str | None = None, id: str | None = None
    ) -> User:
        """Raises AlreadyExists where the address is taken (letters' case does not matter)."""
        row = UserRow(
            id=id or new_id(),
            email=_normal(email),
            name=name.strip(),
            role=role,
            password_hash=password_hash,
            created_at=self._clock(),
        )
        self._session.add(row)
        try:
            await self._session.flush()
        except IntegrityError as error:
            raise AlreadyExists(what="an account with this e-mail address") from error
        return _user(row)

    async def get(self, user_id: str) -> User:
        """Raises NotFound."""
        return _user(await self._row(user_id))

    async def by_email(self, email: str) -> User | None:
        row = await self._session.scalar(select(UserRow).where(UserRow.email == _normal(email)))
        return None if row is None else _user(row)

    async def many(self, user_ids: Iterable[str]) -> dict[str, User]:
        """Those that exist, by id."""
        rows = await self._session.scalars(select(UserRow).where(UserRow.id.in_(set(user_ids))))
        return {row.id: _user(row) for row in rows}

    async def with_role(self, role: Role) -> list[User]:
        """By name."""
        rows = await self._session.scalars(
            select(UserRow).where(UserRow.role == role).order_by(UserRow.name, UserRow.id)
        )
        return [_user(row) for row in rows]

    async def set_password(self, user_id: str, password_hash: str | None) -> None:
        (await self._row(user_id)).password_hash = password_hash
        await self._session.flush()

    async def set_disabled(self, user_id: str, disabled: bool) -> User:
        row = await self._row(user_id)
        row.disabled_at = self._clock() if disabled else None
        await self._session.flush()
        return _user(row)

    async def _row(self, user_id: str) -> UserRow:
        row = await self._session.get(UserRow, user_id)
        if row is None:
            raise NotFound(what="account")
        return row


def _normal(email: str) -> str:
    return email.strip().lower()


def _user(row: UserRow) -> User:
    return User(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,
        password_hash=row.password_hash,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )
