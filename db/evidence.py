"""The index of stored evidence objects; the bytes themselves lie in db.objects."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import NotFound
from db.models import EvidenceRow
from db.upsert import upsert


@dataclass(frozen=True, slots=True)
class EvidenceObject:
    key: str
    attempt_id: str
    kind: str
    """incident, enrolment, …"""
    created_at: float
    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal; taken when it was stored, so that later changes show."""


class EvidenceIndex:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, evidence: EvidenceObject) -> None:
        values = dataclasses.asdict(evidence)
        await upsert(self._session, EvidenceRow, values, update=values.keys() - {"key"})

    async def get(self, key: str) -> EvidenceObject:
        """Raises NotFound."""
        row = await self._session.get(EvidenceRow, key)
        if row is None:
            raise NotFound(what="evidence")
        return _evidence(row)

    async def of_attempt(self, attempt_id: str) -> list[EvidenceObject]:
        """Oldest first."""
        rows = await self._session.scalars(
            select(EvidenceRow)
            .where(EvidenceRow.attempt_id == attempt_id)
            .order_by(EvidenceRow.created_at, EvidenceRow.key)
        )
        return [_evidence(row) for row in rows]

    async def remove_attempt(self, attempt_id: str) -> int:
        """Forget an attempt's objects; how many there were."""
        result = await self._session.execute(delete(EvidenceRow).where(EvidenceRow.attempt_id == attempt_id))
        assert isinstance(result, CursorResult)
        return result.rowcount


def _evidence(row: EvidenceRow) -> EvidenceObject:
    return EvidenceObject(
        key=row.key,
        attempt_id=row.attempt_id,
        kind=row.kind,
        created_at=row.created_at,
        size=row.size,
        sha256=row.sha256,
    )
