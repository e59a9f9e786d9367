"""What lies in files, and where it does not."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Epoch, Id, RowNumber


class SegmentRow(Base):
    __tablename__ = "segments"

    attempt_id: Mapped[str] = mapped_column(
        Id, ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True
    )
    track: Mapped[str] = mapped_column(String(16), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(255))
    started_at: Mapped[float] = mapped_column(Epoch)
    ended_at: Mapped[float] = mapped_column(Epoch)
    codec: Mapped[str] = mapped_column(String(32))
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    size: Mapped[int] = mapped_column(BigInteger)
    thumbnail_key: Mapped[str | None] = mapped_column(String(255))
    gap_before_s: Mapped[float] = mapped_column(Epoch)


class RecordingGapRow(Base):
    __tablename__ = "recording_gaps"

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    attempt_id: Mapped[str] = mapped_column(Id, ForeignKey("attempts.id", ondelete="CASCADE"), index=True)
    track: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[float] = mapped_column(Epoch)
    ended_at: Mapped[float | None] = mapped_column(Epoch)
    reason: Mapped[str] = mapped_column(Text)


class EvidenceRow(Base):
    __tablename__ = "evidence_objects"

    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    attempt_id: Mapped[str] = mapped_column(Id, ForeignKey("attempts.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[float] = mapped_column(Epoch)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
