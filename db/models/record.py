"""What happened: the event log, and the incidents, interventions and signals read from it most."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.incidents import Verdict
from core.interventions import InterventionKind
from core.kinds import Category, Kind, Severity
from core.samples import SignalKind
from db.base import TABLE_OPTIONS, Base, Epoch, Id, RowNumber, Word


class EventRow(Base):
    """No foreign keys: the log outlives what it speaks of, deletions included."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_attempt_id_seq", "attempt_id", "seq"), TABLE_OPTIONS)

    exam_id: Mapped[str] = mapped_column(Id, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    attempt_id: Mapped[str | None] = mapped_column(Id)
    at: Mapped[float] = mapped_column(Epoch)
    type: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    actor: Mapped[str | None] = mapped_column(Id)


class EventSequenceRow(Base):
    """The last number given out in an exam. Its lock, held until commit, puts the writers in a line."""

    __tablename__ = "event_sequences"

    exam_id: Mapped[str] = mapped_column(Id, primary_key=True)
    last_seq: Mapped[int] = mapped_column(BigInteger)


class IncidentRow(Base):
    __tablename__ = "incidents"
    __table_args__ = (
        Index("ix_incidents_attempt_id_started_at", "attempt_id", "started_at"),
        Index("ix_incidents_exam_id_started_at", "exam_id", "started_at"),
        TABLE_OPTIONS,
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    attempt_id: Mapped[str] = mapped_column(Id, ForeignKey("attempts.id", ondelete="CASCADE"))
    exam_id: Mapped[str] = mapped_column(Id, ForeignKey("exams.id"))
    kind: Mapped[Kind] = mapped_column(Word(Kind, 32))
    severity: Mapped[Severity] = mapped_column(Word(Severity))
    category: Mapped[Category] = mapped_column(Word(Category))
    started_at: Mapped[float] = mapped_column(Epoch)
    ended_at: Mapped[float | None] = mapped_column(Epoch)
    confidence: Mapped[float] = mapped_column(Epoch)
    findings: Mapped[int] = mapped_column(Integer)
    evidence: Mapped[str | None] = mapped_column(String(255))
    announced: Mapped[bool] = mapped_column(Boolean)
    attributes: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    verdict: Mapped[Verdict | None] = mapped_column(Word(Verdict))
    verdict_by: Mapped[str | None] = mapped_column(Id)
    verdict_at: Mapped[float | None] = mapped_column(Epoch)
    verdict_reason: Mapped[str] = mapped_column(Text, default="")


class InterventionRow(Base):
    __tablename__ = "interventions"
    __table_args__ = (
        Index("ix_interventions_attempt_id_at", "attempt_id", "at"),
        Index("ix_interventions_exam_id_at", "exam_id", "at"),
        TABLE_OPTIONS,
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    attempt_id: Mapped[str] = mapped_column(Id, ForeignKey("attempts.id", ondelete="CASCADE"))
    exam_id: Mapped[str] = mapped_column(Id, ForeignKey("exams.id"))
    kind: Mapped[InterventionKind] = mapped_column(Word(InterventionKind))
    actor: Mapped[str] = mapped_column(Id)
    at: Mapped[float] = mapped_column(Epoch)
    reason: Mapped[str] = mapped_column(Text)
    """For colleagues and the audit trail."""
    text: Mapped[str] = mapped_column(Text)
    """What the student reads."""
    acknowledged_at: Mapped[float | None] = mapped_column(Epoch)
    undone_at: Mapped[float | None] = mapped_column(Epoch)
    undone_by: Mapped[str | None] = mapped_column(Id)


class ClientSignalRow(Base):
    __tablename__ = "client_signals"
    __table_args__ = (Index("ix_client_signals_attempt_id_at", "attempt_id", "at"), TABLE_OPTIONS)

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    attempt_id: Mapped[str] = mapped_column(Id, ForeignKey("attempts.id", ondelete="CASCADE"))
    at: Mapped[float] = mapped_column(Epoch)
    kind: Mapped[SignalKind] = mapped_column(Word(SignalKind, 32))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


class LookRow(Base):
    """When a proctor last looked at an attempt: who has not been seen for long."""

    __tablename__ = "looks"

    attempt_id: Mapped[str] = mapped_column(
        Id, ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True
    )
    proctor_id: Mapped[str] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[float] = mapped_column(Epoch)
