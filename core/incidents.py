"""What people look at: incidents, and the append-only record of everything that happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.kinds import Category, Kind, Severity


class Verdict(StrEnum):
    """A person's judgement of an incident. Nothing else may set it."""

    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    TECHNICAL = "technical"


@dataclass(frozen=True, slots=True)
class Incident:
    """Findings of one kind, merged where they lie close together."""

    id: str
    attempt_id: str
    kind: Kind
    severity: Severity
    category: Category
    started_at: float
    ended_at: float | None
    """None while it goes on."""
    confidence: float
    findings: int = 1
    """How many findings were merged."""
    evidence: str | None = None
    """Key of the evidence picture in the EvidenceStore."""
    announced: bool = True
    """False where the alert budget held it back from interrupting a proctor; it is still on record."""
    attributes: Mapping[str, float | str] | None = None

    @property
    def open(self) -> bool:
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One line of the event log. `seq` is assigned by the log, unique and growing within an exam."""

    seq: int
    exam_id: str
    attempt_id: str | None
    at: float
    type: str
    """Dotted: incident.opened, incident.updated, incident.closed, intervention.warn, attempt.status, …"""
    payload: Mapping[str, Any]
    actor: str | None = None
    """User id of the person who did it; None for the system."""
