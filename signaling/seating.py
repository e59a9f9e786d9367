"""Seats from the database: what a server that has just started knows about an exam."""

from __future__ import annotations

from core.attempts import AttemptStatus
from core.interventions import InterventionKind
from core.ledger import ClockEntry, time_left
from db.attempts import Attempt
from db.database import Transaction
from db.exams import Exam
from db.incidents import StoredIncident
from signaling.clock import ClockReading
from signaling.consent import CONSENT_VERSION
from signaling.messages import IncidentView
from signaling.seat import KEPT_INCIDENTS, Seat, evidence_url, warning


async def load_seats(tx: Transaction, exam: Exam, now: float) -> list[Seat]:
    """Every attempt of the exam, by seat."""
    attempts = await tx.attempts.of_exam(exam.id)
    return await _fill(tx, exam, attempts, now)


async def load_seat(tx: Transaction, exam: Exam, attempt_id: str, now: float) -> Seat:
    """One, admitted meanwhile. Raises NotFound."""
    (seat,) = await _fill(tx, exam, [await tx.attempts.get(attempt_id)], now)
    return seat


async def _fill(tx: Transaction, exam: Exam, attempts: list[Attempt], now: float) -> list[Seat]:
    users = await tx.users.many(attempt.student_id for attempt in attempts)
    entries = await tx.ledger.entries_of(attempt.id for attempt in attempts)
    flagged = await tx.interventions.flagged(exam.id)
    looks = await tx.looks.of_exam(exam.id)
    seats: list[Seat] = []
    for attempt in attempts:
        seat = Seat(
            attempt_id=attempt.id,
            exam_id=exam.id,
            student_id=attempt.student_id,
            name=users[attempt.student_id].name,
            number=attempt.seat,
            status=attempt.status,
            clock=_clock(entries.get(attempt.id, []), exam.duration_s, now),
            flagged=attempt.id in flagged,
            looked_at=looks.get(attempt.id),
            since=now,
        )
        seat.show("absent", now)
        await _fill_one(tx, seat)
        seats.append(seat)
    return seats


def _clock(entries: list[ClockEntry], duration_s: float, now: float) -> ClockReading:
    return ClockReading(time_left(entries, now, duration_s), now)


async def _fill_one(tx: Transaction, seat: Seat) -> None:
    id = seat.attempt_id
    seat.consented = await tx.consents.holds(id, CONSENT_VERSION)
    enrolment = await tx.attempts.enrolment(id)
    seat.enrolled = enrolment is not None and enrolment.face is not None
    for one in await tx.interventions.unacknowledged(id):
        seat.warnings[one.id] = warning(one.id, one.text, one.at)
    if seat.status is AttemptStatus.PAUSED:
        pauses = [one for one in await tx.interventions.of_attempt(id) if one.kind is InterventionKind.PAUSE]
        seat.pause_text = pauses[-1].text if pauses else ""
    for record in await tx.events.of_attempt(id):
        if record.type.startswith("hand."):
            seat.fold(record)
    stored = [stored_view(one) for one in await tx.incidents.of_attempt(id)]
    closed = [view for view in stored if view.ended_at is not None][-KEPT_INCIDENTS:]
    seat.incidents = {view.id: view for view in stored if view.ended_at is None or view in closed}


def stored_view(stored: StoredIncident) -> IncidentView:
    incident, judgement = stored.incident, stored.judgement
    return IncidentView(
        id=incident.id,
        attempt=incident.attempt_id,
        kind=incident.kind,
        severity=incident.severity,
        category=incident.category,
        started_at=incident.started_at,
        ended_at=incident.ended_at,
        confidence=incident.confidence,
        findings=incident.findings,
        evidence=evidence_url(incident.evidence),
        announced=incident.announced,
        verdict=judgement.verdict if judgement else None,
        verdict_by=judgement.by if judgement else None,
    )
