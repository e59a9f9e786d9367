"""Who takes part, and what they are there for."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an account may do. A professor or proctor also has to be on an exam's staff to see it."""

    STUDENT = "student"
    PROCTOR = "proctor"
    PROFESSOR = "professor"
    ADMINISTRATOR = "administrator"
