"""Exams: settings kept whole, codes that are typed, staff that is enforced elsewhere but known here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import AlreadyExists, NotFound
from core.exams import ExamSettings, ExamStatus, Strictness
from core.people import Role
from db.database import Database
from tests.db.people import make_sitting


async def test_an_exam_comes_back_as_it_was_made(database: Database) -> None:
    settings = ExamSettings(
        detectors={"gaze": False},
        thresholds={"phone": 0.7},
        strictness=Strictness.STRICT,
        screen=True,
        record=False,
    )
    paper = "# Aufgabe 1 ✏️\n" + "Zeige, dass … " * 10_000
    async with database.transaction() as tx:
        professor = await tx.users.add(email="p@example.org", name="P", role=Role.PROFESSOR)
        made = await tx.exams.add(
            title=" Algebra ",
            owner_id=professor.id,
            duration_s=5400,
            code="alg-1",
            opens_at=10.5,
            closes_at=20.25,
            settings=settings,
            content=paper,
        )

    async with database.reading() as tx:
        assert await tx.exams.get(made.id) == made
        assert await tx.exams.by_code(" Alg-1") == made
        assert await tx.exams.all() == await tx.exams.of_user(professor.id) == [made]
    assert (made.title, made.code, made.settings, made.content) == ("Algebra", "ALG-1", settings, paper)
    assert made.status is ExamStatus.DRAFT


async def test_codes_are_made_and_taken_once(database: Database) -> None:
    exam = (await make_sitting(database)).exam
    assert len(exam.code) == 11

    with pytest.raises(AlreadyExists, match="exam with this code"):
        async with database.transaction() as tx:
            await tx.exams.add(title="B", owner_id=exam.owner_id, duration_s=60, code=exam.code.lower())


@pytest.mark.parametrize(
    ("status", "opens_at", "closes_at", "admits"),
    [
        (ExamStatus.OPEN, None, None, True),
        (ExamStatus.OPEN, 100.0, 200.0, True),
        (ExamStatus.OPEN, 100.1, 200.0, False),
        (ExamStatus.OPEN, 50.0, 100.0, False),
        (ExamStatus.DRAFT, None, None, False),
        (ExamStatus.CLOSED, None, None, False),
    ],
)
async def test_when_it_admits(
    database: Database, status: ExamStatus, opens_at: float | None, closes_at: float | None, admits: bool
) -> None:
    exam = (await make_sitting(database)).exam

    assert replace(exam, status=status, opens_at=opens_at, closes_at=closes_at).admits_at(100.0) is admits


async def test_changing_an_exam(database: Database) -> None:
    exam = (await make_sitting(database)).exam
    async with database.transaction() as tx:
        await tx.exams.set_status(exam.id, ExamStatus.CLOSED)
        await tx.exams.set_settings(exam.id, ExamSettings(fullscreen=True))
        await tx.exams.set_content(exam.id, "new")

    async with database.reading() as tx:
        changed = await tx.exams.get(exam.id)
    assert (changed.status, changed.settings, changed.content) == (
        ExamStatus.CLOSED,
        ExamSettings(fullscreen=True),
        "new",
    )


async def test_staff(database: Database) -> None:
    sitting = await make_sitting(database)
    exam, professor, student = sitting.exam, sitting.professor, sitting.student
    async with database.transaction() as tx:
        proctor = await tx.users.add(email="q@example.org", name="Q", role=Role.PROCTOR)
        await tx.exams.assign(exam.id, proctor.id, Role.PROFESSOR)
        await tx.exams.assign(exam.id, proctor.id, Role.PROCTOR)

    async with database.transaction() as tx:
        assert await tx.exams.staff(exam.id) == {professor.id: Role.PROFESSOR, proctor.id: Role.PROCTOR}
        assert await tx.exams.role_of(exam.id, proctor.id) is Role.PROCTOR
        assert await tx.exams.role_of(exam.id, student.id) is None
        assert [each.id for each in await tx.exams.of_user(student.id)] == [exam.id], "sits it"
        await tx.exams.dismiss(exam.id, proctor.id)
        await tx.exams.dismiss(exam.id, proctor.id)
        assert await tx.exams.role_of(exam.id, proctor.id) is None
        assert await tx.exams.of_user(proctor.id) == []
        with pytest.raises(ValueError, match="staff are"):
            await tx.exams.assign(exam.id, student.id, Role.STUDENT)


async def test_no_such_exam(database: Database) -> None:
    async with database.reading() as tx:
        assert await tx.exams.by_code("none") is None
        with pytest.raises(NotFound, match="no such exam"):
            await tx.exams.get("none")


def test_settings_with_a_typo_are_refused() -> None:
    with pytest.raises(TypeError):
        ExamSettings.from_json({"scren": True})
    with pytest.raises(ValueError, match="harsh"):
        ExamSettings.from_json({"strictness": "harsh"})
