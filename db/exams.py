"""Exams and their staff."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import AlreadyExists, NotFound
from core.exams import ExamSettings, ExamStatus
from core.people import Role
from core.ports import Clock
from db.base import new_code, new_id
from db.models import AttemptRow, ExamRow, ExamStaffRow
from db.upsert import upsert


@dataclass(frozen=True, slots=True)
class Exam:
    id: str
    code: str
    """What students type."""
    title: str
    owner_id: str
    opens_at: float | None
    closes_at: float | None
    """Until when an attempt may be started; the clock of a running one is its own."""
    duration_s: float
    status: ExamStatus
    settings: ExamSettings
    content: str
    """Markdown; for running attempts only."""
    created_at: float

    def admits_at(self, now: float) -> bool:
        """Whether an attempt may be started now."""
        return (
            self.status is ExamStatus.OPEN
            and (self.opens_at is None or self.opens_at <= now)
            and (self.closes_at is None or now < self.closes_at)
        )


class Exams:
    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def add(
        self,
        *,
        title: str,
        owner_id: str,
        duration_s: float,
        code: str | None = None,
        opens_at: float | None = None,
        closes_at: float | None = None,
        status: ExamStatus = ExamStatus.DRAFT,
        settings: ExamSettings | None = None,
        content: str = "",
        id: str | None = None,
    ) -> Exam:
        """Its owner joins the staff as professor. Raises AlreadyExists where the code is taken."""
        row = ExamRow(
            id=id or new_id(),
            code=_normal(code or new_code()),
            title=title.strip(),
            owner_id=owner_id,
            opens_at=opens_at,
            closes_at=closes_at,
            duration_s=duration_s,
            status=status,
            settings=(settings or ExamSettings()).as_json(),
            content=content,
            created_at=self._clock(),
        )
        self._session.add(row)
        try:
            await self._session.flush()
        except IntegrityError as error:
            raise AlreadyExists(what="an exam with this code") from error
        await self.assign(row.id, owner_id, Role.PROFESSOR)
        return _exam(row)

    async def get(self, exam_id: str) -> Exam:
        """Raises NotFound."""
        return _exam(await self._row(exam_id))

    async def by_code(self, code: str) -> Exam | None:
        row = await self._session.scalar(select(ExamRow).where(ExamRow.code == _normal(code)))
        return None if row is None else _exam(row)

    async def all(self) -> list[Exam]:
        """Newest first; for administrators."""
        rows = await self._session.scalars(select(ExamRow).order_by(ExamRow.created_at.desc(), ExamRow.id))
        return [_exam(row) for row in rows]

    async def of_user(self, user_id: str) -> list[Exam]:
        """Exams a person is on the staff of or sits, newest first."""
        staffed = select(ExamStaffRow.exam_id).where(ExamStaffRow.user_id == user_id)
        sat = select(AttemptRow.exam_id).where(AttemptRow.student_id == user_id)
        rows = await self._session.scalars(
            select(ExamRow)
            .where(or_(ExamRow.id.in_(staffed), ExamRow.id.in_(sat)))
            .order_by(ExamRow.created_at.desc(), ExamRow.id)
        )
        return [_exam(row) for row in rows]

    async def set_status(self, exam_id: str, status: ExamStatus) -> Exam:
        row = await self._row(exam_id)
        row.status = status
        await self._session.flush()
        return _exam(row)

    async def set_settings(self, exam_id: str, settings: ExamSettings) -> Exam:
        row = await self._row(exam_id)
        row.settings = settings.as_json()
        await self._session.flush()
        return _exam(row)

    async def set_content(self, exam_id: str, content: str) -> Exam:
        row = await self._row(exam_id)
        row.content = content
        await self._session.flush()
        return _exam(row)

    async def assign(self, exam_id: str, user_id: str, role: Role) -> None:
        """Put a person on the staff, or change what they are there."""
        if role not in (Role.PROCTOR, Role.PROFESSOR):
            raise ValueError(f"staff are proctors or professors, not {role}")
        values = {"exam_id": exam_id, "user_id": user_id, "role": role}
        await upsert(self._session, ExamStaffRow, values, update=["role"])

    async def dismiss(self, exam_id: str, user_id: str) -> None:
        """Take a person off the staff; nothing happens where they are not on it."""
        row = await self._session.get(ExamStaffRow, (exam_id, user_id))
        if row is not None:
            await self._session.delete(row)
            await self._session.flush()

    async def role_of(self, exam_id: str, user_id: str) -> Role | None:
        """A person's role on the exam's staff; None where they are not on it."""
        return await self._session.scalar(
            select(ExamStaffRow.role).where(ExamStaffRow.exam_id == exam_id, ExamStaffRow.user_id == user_id)
        )

    async def staff(self, exam_id: str) -> dict[str, Role]:
        """User id → role."""
        rows = await self._session.execute(
            select(ExamStaffRow.user_id, ExamStaffRow.role).where(ExamStaffRow.exam_id == exam_id)
        )
        return {row[0]: row[1] for row in rows}

    async def _row(self, exam_id: str) -> ExamRow:
        row = await self._session.get(ExamRow, exam_id)
        if row is None:
            raise NotFound(what="exam")
        return row


def _normal(code: str) -> str:
    return code.strip().upper()


def _exam(row: ExamRow) -> Exam:
    return Exam(
        id=row.id,
        code=row.code,
        title=row.title,
        owner_id=row.owner_id,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        duration_s=row.duration_s,
        status=row.status,
        settings=ExamSettings.from_json(row.settings),
        content=row.content,
        created_at=row.created_at,
    )
