"""The only way to fetch an exam, an attempt, or anything of theirs for a person.

What a person may not know of is NotFound, and no different from what does not exist; what they may
know of but not do is Forbidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from core.errors import Forbidden, NotFound, Unauthenticated
from core.exams import ExamStatus
from core.people import Role
from db.attempts import Attempt
from db.database import Database, Transaction
from db.exams import Exam
from db.incidents import StoredIncident
from db.users import User


class Right(Enum):
    SIT = "sit"
    """Take part as the student whose attempt it is."""
    WATCH = "watch"
    """See it live or afterwards, intervene and judge: the exam's staff, and administrators."""


@dataclass(frozen=True, slots=True)
class Place:
    attempt: Attempt
    exam: Exam


class Access:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def user(self, user_id: str | None) -> User:
        """The person of a session. Raises Unauthenticated."""
        if user_id is None:
            raise Unauthenticated()
        async with self._database.reading() as tx:
            try:
                user = await tx.users.get(user_id)
            except NotFound:
                raise Unauthenticated() from None
        if not user.active:
            raise Unauthenticated()
        return user

    async def exam(self, user: User, exam_id: str) -> Exam:
        """For the exam's staff. Raises NotFound; Forbidden for its own students."""
        async with self._database.reading() as tx:
            exam = await tx.exams.get(exam_id)
            if await _is_staff(tx, user, exam):
                return exam
            if exam.status is not ExamStatus.DRAFT and await tx.attempts.of_student(exam.id, user.id):
                raise Forbidden()
        raise NotFound(what="exam")

    async def attempt(self, user: User, attempt_id: str, right: Right) -> Place:
        """Raises NotFound, or Forbidden for a right that this person lacks on what they may know of."""
        async with self._database.reading() as tx:
            attempt = await tx.attempts.get(attempt_id)
            exam = await tx.exams.get(attempt.exam_id)
            own = attempt.student_id == user.id
            staff = await _is_staff(tx, user, exam)
        if own if right is Right.SIT else staff:
            return Place(attempt, exam)
        if own or staff:
            raise Forbidden()
        raise NotFound(what="attempt")

    async def incident(self, user: User, incident_id: str) -> StoredIncident:
        """For the exam's staff. A student does not learn that there is one."""
        async with self._database.reading() as tx:
            stored = await tx.incidents.get(incident_id)
            exam = await tx.exams.get(stored.exam_id)
            if await _is_staff(tx, user, exam):
                return stored
        raise NotFound(what="incident")

    async def evidence(self, user: User, key: str) -> str:
        """The key, where this person may see what is under it: the exam's staff only."""
        async with self._database.reading() as tx:
            stored = await tx.evidence.get(key)
            attempt = await tx.attempts.get(stored.attempt_id)
            exam = await tx.exams.get(attempt.exam_id)
            if await _is_staff(tx, user, exam):
                return stored.key
        raise NotFound(what="evidence")

    async def exams(self, user: User) -> list[Exam]:
        """Those whose staff this person is on, newest first."""
        async with self._database.reading() as tx:
            known = await (tx.exams.all() if user.role is Role.ADMINISTRATOR else tx.exams.of_user(user.id))
            return [exam for exam in known if await _is_staff(tx, user, exam)]

    async def own_attempts(self, user: User) -> list[Place]:
        """Newest exam first; exams that are still drafts are left out."""
        async with self._database.reading() as tx:
            places: list[Place] = []
            for exam in await tx.exams.of_user(user.id):
                attempt = await tx.attempts.of_student(exam.id, user.id)
                if attempt is not None and exam.status is not ExamStatus.DRAFT:
                    places.append(Place(attempt, exam))
        return places


async def _is_staff(tx: Transaction, user: User, exam: Exam) -> bool:
    """Being on the staff list is not enough: the account must be a proctor's or professor's too."""
    if user.role is Role.ADMINISTRATOR:
        return True
    if user.role is Role.STUDENT:
        return False
    return await tx.exams.role_of(exam.id, user.id) is not None
