"""What most database tests start with: a professor, an exam, a student, an attempt."""

from __future__ import annotations

from dataclasses import dataclass

from core.attempts import Action
from core.exams import ExamStatus
from core.incidents import Incident
from core.kinds import Category, Kind, Severity
from core.people import Role
from db.attempts import Attempt
from db.database import Database
from db.exams import Exam
from db.users import User


@dataclass(frozen=True, slots=True)
class Sitting:
    professor: User
    student: User
    exam: Exam
    attempt: Attempt


async def make_sitting(database: Database, *, duration_s: float = 3600.0) -> Sitting:
    async with database.transaction() as tx:
        professor = await tx.users.add(email="ada@example.org", name="Ada", role=Role.PROFESSOR)
        student = await tx.users.add(email="sam@example.org", name="Sam", role=Role.STUDENT)
        exam = await tx.exams.add(
            title="Algebra", owner_id=professor.id, duration_s=duration_s, status=ExamStatus.OPEN
        )
        attempt = await tx.attempts.admit(exam.id, student.id)
    return Sitting(professor, student, exam, attempt)


async def apply(database: Database, attempt_id: str, *actions: Action) -> Attempt:
    """Each in a transaction of its own; the attempt afterwards."""
    for action in actions:
        async with database.transaction() as tx:
            await tx.attempts.apply(attempt_id, action, actor=None)
    async with database.reading() as tx:
        return await tx.attempts.get(attempt_id)


def phone(attempt_id: str, *, id: str = "incident-1", started_at: float = 10.0) -> Incident:
    return Incident(
        id=id,
        attempt_id=attempt_id,
        kind=Kind.PHONE,
        severity=Severity.HIGH,
        category=Category.SUSPICION,
        started_at=started_at,
        ended_at=None,
        confidence=0.75,
        attributes={"label": "phone", "area": 0.125},
    )
