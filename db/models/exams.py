"""Exams and who is on duty in them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.exams import ExamStatus
from core.people import Role
from db.base import TABLE_OPTIONS, Base, Epoch, Id, LongText, Word


class ExamRow(Base):
    __tablename__ = "exams"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    """What students type; public."""
    title: Mapped[str] = mapped_column(String(200))
    owner_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id"), index=True)
    opens_at: Mapped[float | None] = mapped_column(Epoch)
    closes_at: Mapped[float | None] = mapped_column(Epoch)
    duration_s: Mapped[float] = mapped_column(Epoch)
    status: Mapped[ExamStatus] = mapped_column(Word(ExamStatus))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    content: Mapped[str] = mapped_column(LongText)
    """Markdown, shown to students whose attempt is running and to nobody before."""
    created_at: Mapped[float] = mapped_column(Epoch)


class ExamStaffRow(Base):
    __tablename__ = "exam_staff"
    __table_args__ = (Index("ix_exam_staff_user_id", "user_id"), TABLE_OPTIONS)

    exam_id: Mapped[str] = mapped_column(Id, ForeignKey("exams.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[Role] = mapped_column(Word(Role))
    """Proctor or professor."""
