"""What students' browsers reported about themselves."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.samples import ClientSignal
from db.models import ClientSignalRow


class Signals:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, attempt_id: str, signal: ClientSignal) -> None:
        self._session.add(
            ClientSignalRow(attempt_id=attempt_id, at=signal.at, kind=signal.kind, detail=dict(signal.detail))
        )
        await self._session.flush()

    async def of_attempt(self, attempt_id: str) -> list[ClientSignal]:
        """Oldest first."""
        rows = await self._session.scalars(
            select(ClientSignalRow)
            .where(ClientSignalRow.attempt_id == attempt_id)
            .order_by(ClientSignalRow.at, ClientSignalRow.id)
        )
        return [ClientSignal(at=row.at, kind=row.kind, detail=row.detail) for row in rows]
