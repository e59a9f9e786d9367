"""GET /exams/{exam}/review: all attempts of an exam, those with most left to judge first."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from core.incidents import Verdict
from core.kinds import Category
from db.attempts import Attempt
from db.database import Transaction
from db.incidents import StoredIncident
from web.keys import ACCESS, DATABASE
from web.render import current_user, render


async def show(request: web.Request) -> web.Response:
    user = await current_user(request)
    exam = await request.app[ACCESS].exam(user, request.match_info["exam"])
    async with request.app[DATABASE].reading() as tx:
        attempts = await tx.attempts.of_exam(exam.id)
        names = await tx.users.many(attempt.student_id for attempt in attempts)
        incidents: dict[str, list[StoredIncident]] = {}
        for stored in await tx.incidents.of_exam(exam.id):
            incidents.setdefault(stored.incident.attempt_id, []).append(stored)
        rows = [
            await _row(tx, attempt, names[attempt.student_id].name, incidents.get(attempt.id, []))
            for attempt in attempts
        ]
    rows.sort(key=lambda row: (-row["to_judge"], row["seat"]))
    return await render(
        request,
        "exam_review.html",
        exam={"id": exam.id, "title": exam.title},
        wall_href=f"/exams/{exam.id}/wall",
        attempts=rows,
    )


async def _row(tx: Transaction, attempt: Attempt, name: str, stored: list[StoredIncident]) -> dict[str, Any]:
    segments = await tx.segments.of_attempt(attempt.id, "main")
    pictured = [segment.number for segment in segments if segment.thumbnail_key]
    suspicions = [one for one in stored if one.incident.category is Category.SUSPICION]
    return {
        "id": attempt.id,
        "name": name,
        "seat": attempt.seat,
        "status": attempt.status.value,
        "href": f"/attempts/{attempt.id}/review",
        "suspected": sum(one.judgement is None for one in suspicions),
        "confirmed": sum(_judged(one, Verdict.CONFIRMED) for one in stored),
        "technical": sum(
            one.incident.category is Category.TECHNICAL or _judged(one, Verdict.TECHNICAL) for one in stored
        ),
        "to_judge": sum(one.judgement is None and one.incident.severity.is_alert for one in suspicions),
        "thumbnail": f"/api/attempts/{attempt.id}/thumbnails/{pictured[-1]}" if pictured else None,
        "duration_s": int(segments[-1].ended_at - segments[0].started_at) if segments else None,
    }


def _judged(stored: StoredIncident, verdict: Verdict) -> bool:
    return stored.judgement is not None and stored.judgement.verdict is verdict
