"""Coverage: which proctor looked at which attempt, and when last."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AttemptRow, LookRow
from db.upsert import upsert


class Looks:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, attempt_id: str, proctor_id: str, at: float) -> None:
        values = {"attempt_id": attempt_id, "proctor_id": proctor_id, "at": at}
        await upsert(self._session, LookRow, values, update=["at"])

    async def of_exam(self, exam_id: str) -> dict[str, float]:
        """Attempt id → when anybody last looked; attempts nobody looked at are left out."""
        rows = await self._session.execute(
            select(LookRow.attempt_id, func.max(LookRow.at))
            .join(AttemptRow, AttemptRow.id == LookRow.attempt_id)
            .where(AttemptRow.exam_id == exam_id)
            .group_by(LookRow.attempt_id)
        )
        return {row[0]: row[1] for row in rows}
