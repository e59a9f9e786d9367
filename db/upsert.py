"""Insert a row, or update the one that has its key: the one statement the two databases spell apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.dialects.mysql import insert as mysql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import Base


async def upsert(
    session: AsyncSession,
    table: type[Base],
    values: Mapping[str, Any],
    *,
    update: Collection[str] | Mapping[str, Any],
) -> None:
    """`update` names the columns taken over from `values`, or gives each its own expression."""
    key = [column.name for column in table.__table__.primary_key]
    if session.get_bind().dialect.name == "sqlite":
        lite = sqlite_insert(table).values(**values)
        changes = update if isinstance(update, Mapping) else {name: lite.excluded[name] for name in update}
        await session.execute(lite.on_conflict_do_update(index_elements=key, set_=dict(changes)))
        return
    # The values themselves, not VALUES(…): MySQL deprecates it and MariaDB lacks what replaces it.
    changes = update if isinstance(update, Mapping) else {name: values[name] for name in update}
    await session.execute(mysql_insert(table).values(**values).on_duplicate_key_update(dict(changes)))
