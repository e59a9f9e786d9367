"""One student's sitting of one exam: its state, its clock, its consent, its enrolment."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.attempts import AttemptStatus
from core.ledger import ClockKind
from db.base import TABLE_OPTIONS, Base, Blob, Epoch, Id, RowNumber, Word


class AttemptRow(Base):
    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("exam_id", "student_id"),
        UniqueConstraint("exam_id", "seat"),
        Index("ix_attempts_student_id", "student_id"),
        TABLE_OPTIONS,
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    exam_id: Mapped[str] = mapped_column(Id, ForeignKey("exams.id"))
    student_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id"))
    seat: Mapped[int] = mapped_column(Integer)
    """1, 2, 3… in the order of admission: the tile's place on the wall."""
    status: Mapped[AttemptStatus] = mapped_column(Word(AttemptStatus))
    created_at: Mapped[float] = mapped_column(Epoch)
    started_at: Mapped[float | None] = mapped_column(Epoch)
    ended_at: Mapped[float | None] = mapped_column(Epoch)
    accommodations: Mapped[dict[str, Any]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(Integer)
    """Grows with every change; two people who saw the same version cannot both change it."""

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class EnrolmentRow(Base):
    """Biometrics, kept apart from the attempt so that they can be erased before it."""

    __tablename__ = "enrolments"

    attempt_id: Mapped[str] = mapped_column(
        Id, ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True
    )
    face: Mapped[bytes | None] = mapped_column(Blob)
    face_engine: Mapped[str | None] = mapped_column(String(64))
    """Embeddings of different engines cannot be compared."""
    picture_key: Mapped[str | None] = mapped_column(String(255))
    voice: Mapped[bytes | None] = mapped_column(Blob)
    voice_engine: Mapped[str | None] = mapped_column(String(64))
    calibration: Mapped[dict[str, Any]] = mapped_column(JSON)
    updated_at: Mapped[float] = mapped_column(Epoch)


class ClockEntryRow(Base):
    __tablename__ = "clock_entries"

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    attempt_id: Mapped[str] = mapped_column(Id, ForeignKey("attempts.id", ondelete="CASCADE"), index=True)
    at: Mapped[float] = mapped_column(Epoch)
    kind: Mapped[ClockKind] = mapped_column(Word(ClockKind))
    seconds: Mapped[float] = mapped_column(Epoch)
    actor: Mapped[str | None] = mapped_column(Id)
    reason: Mapped[str] = mapped_column(Text)


class ConsentRow(Base):
    __tablename__ = "consents"

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    attempt_id: Mapped[str] = mapped_column(Id, ForeignKey("attempts.id", ondelete="CASCADE"), index=True)
    text_version: Mapped[str] = mapped_column(String(64))
    at: Mapped[float] = mapped_column(Epoch)
    given: Mapped[bool] = mapped_column(Boolean)
    address: Mapped[str] = mapped_column(String(64))
    user_agent: Mapped[str] = mapped_column(Text)
