"""The tables. Rows stay inside `db`; callers are given frozen dataclasses."""

from db.models.attempts import AttemptRow, ClockEntryRow, ConsentRow, EnrolmentRow
from db.models.exams import ExamRow, ExamStaffRow
from db.models.media import EvidenceRow, RecordingGapRow, SegmentRow
from db.models.people import UserRow
from db.models.record import (
    ClientSignalRow,
    EventRow,
    EventSequenceRow,
    IncidentRow,
    InterventionRow,
    LookRow,
)

__all__ = [
    "AttemptRow",
    "ClientSignalRow",
    "ClockEntryRow",
    "ConsentRow",
    "EnrolmentRow",
    "EventRow",
    "EventSequenceRow",
    "EvidenceRow",
    "ExamRow",
    "ExamStaffRow",
    "IncidentRow",
    "InterventionRow",
    "LookRow",
    "RecordingGapRow",
    "SegmentRow",
    "UserRow",
]
