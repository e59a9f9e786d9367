"""Accounts."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core.people import Role
from db.base import Base, Epoch, Id, Word


class UserRow(Base):
    __tablename__ = "users"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    """Lower case."""
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(Word(Role))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    """None: logs in by signed link only."""
    created_at: Mapped[float] = mapped_column(Epoch)
    disabled_at: Mapped[float | None] = mapped_column(Epoch)
