"""One attempt's report. Technical, suspected and confirmed are three lists that are never mixed."""

from __future__ import annotations

from typing import Any

from core.incidents import Verdict
from core.kinds import Category
from db.attempts import Attempt
from db.database import Transaction
from db.exams import Exam
from db.incidents import StoredIncident
from db.segments import Segment
from web.timeline import gap_view, incident_view, intervention_view


async def report(tx: Transaction, attempt: Attempt, exam: Exam, *, now: float) -> dict[str, Any]:
    lists = sort_out(await tx.incidents.of_attempt(attempt.id))
    segments = await tx.segments.of_attempt(attempt.id, "main")
    consent = await tx.consents.latest(attempt.id)
    return {
        "made_at": now,
        "exam": {"id": exam.id, "title": exam.title, "duration_s": exam.duration_s},
        "attempt": {
            "id": attempt.id,
            "student": (await tx.users.get(attempt.student_id)).name,
            "status": attempt.status,
            "started_at": attempt.started_at,
            "ended_at": attempt.ended_at,
            "time_left_s": await tx.ledger.time_left(attempt.id, now),
        },
        "consent": None
        if consent is None
        else {"at": consent.at, "given": consent.given, "text_version": consent.text_version},
        **{name: [incident_view(one) for one in found] for name, found in lists.items()},
        "interventions": [intervention_view(one) for one in await tx.interventions.of_attempt(attempt.id)],
        "recording": {
            "recorded_s": recorded_s(segments),
            "gaps": [gap_view(one) for one in await tx.segments.gaps(attempt.id)],
        },
    }


def sort_out(incidents: list[StoredIncident]) -> dict[str, list[StoredIncident]]:
    """A person's verdict decides; without one it is technical or a mere suspicion of the system."""
    lists: dict[str, list[StoredIncident]] = {
        "technical": [],
        "suspected": [],
        "confirmed": [],
        "dismissed": [],
    }
    for stored in incidents:
        lists[_list_of(stored)].append(stored)
    return lists


def _list_of(stored: StoredIncident) -> str:
    verdict = stored.judgement.verdict if stored.judgement else None
    if verdict is None:
        return "technical" if stored.incident.category is Category.TECHNICAL else "suspected"
    return {
        Verdict.CONFIRMED: "confirmed",
        Verdict.DISMISSED: "dismissed",
        Verdict.TECHNICAL: "technical",
    }[verdict]


def recorded_s(segments: list[Segment]) -> float:
    return round(sum(one.ended_at - one.started_at for one in segments), 1)
