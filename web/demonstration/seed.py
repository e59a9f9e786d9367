"""The demo's exam and its people. Every start makes a new exam and ends what earlier starts left open."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass

from core.attempts import Action
from core.exams import ExamStatus
from core.people import Role
from db.database import Database, Transaction
from db.exams import Exam
from db.incidents import Step
from db.users import User

DOMAIN = "demo.invigil.example"
TITLE = "Physics, first midterm"
DURATION_S = 2 * 3600.0
NAMES = {
    "normal": "Nora Lind",
    "absent": "Amir Rahimi",
    "second": "Sofia Marin",
    "other": "Oskar Bauer",
    "phone": "Paula Costa",
}
"""By clip."""

PAPER = """
# Part one

Answer in the booklet in front of you. There are no trick questions.

1. A ball is thrown straight up at 12 m/s. How high does it rise, and when is it back?
2. A 2 kg block slides down a plane of 30 degrees without friction. What is its acceleration?
3. Why does a skater turn faster with the arms drawn in?

# Part two

1. Sketch the field lines between two equal charges of *opposite* sign.
2. A capacitor of 10 µF is charged to 5 V. How much energy does it hold?
3. Explain in your own words what a **standing wave** is, and give one example.
"""


@dataclass(frozen=True, slots=True)
class Cast:
    exam: Exam
    professor: User
    proctor: User
    administrator: User
    guest: User
    """The student whom the person in front of the screen plays."""
    students: dict[str, User]
    """Simulated ones, by clip."""


async def seed(database: Database, clips: Sequence[str]) -> Cast:
    async def work(tx: Transaction) -> Cast:
        professor = await _person(tx, "professor", "Prof. Ada Keller", Role.PROFESSOR)
        await _end_earlier(tx, professor)
        exam = await tx.exams.add(
            title=TITLE,
            owner_id=professor.id,
            duration_s=DURATION_S,
            status=ExamStatus.OPEN,
            content=PAPER.strip(),
        )
        proctor = await _person(tx, "proctor", "Pat Moreau", Role.PROCTOR)
        await tx.exams.assign(exam.id, proctor.id, Role.PROCTOR)
        students = {clip: await _student(tx, exam, clip) for clip in clips}
        guest = await _person(tx, "you", "You", Role.STUDENT)
        administrator = await _person(tx, "administrator", "Robin Vale", Role.ADMINISTRATOR)
        return Cast(exam, professor, proctor, administrator, guest, students)

    return await database.run(work)


async def _student(tx: Transaction, exam: Exam, clip: str) -> User:
    user = await _person(tx, clip, NAMES.get(clip, clip.title()), Role.STUDENT)
    await tx.attempts.admit(exam.id, user.id)
    return user


async def _person(tx: Transaction, who: str, name: str, role: Role) -> User:
    email = f"{who}@{DOMAIN}"
    return await tx.users.by_email(email) or await tx.users.add(email=email, name=name, role=role)


async def _end_earlier(tx: Transaction, professor: User) -> None:
    for exam in await tx.exams.of_user(professor.id):
        if exam.status is not ExamStatus.OPEN:
            continue
        for attempt in await tx.attempts.of_exam(exam.id):
            if attempt.status.over:
                continue
            await tx.attempts.apply(
                attempt.id, Action.TERMINATE, actor=None, reason="the demo was started anew"
            )
            for incident in await tx.incidents.open_of_attempt(attempt.id):
                ended = dataclasses.replace(incident, ended_at=time.time())
                await tx.incidents.record(exam.id, ended, Step.CLOSED)
        await tx.exams.set_status(exam.id, ExamStatus.CLOSED)
