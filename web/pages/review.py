"""GET /attempts/{attempt}/review: one recording with its timeline."""

from __future__ import annotations

from aiohttp import web

from web.access import Right
from web.keys import ACCESS, DATABASE, SESSIONS
from web.render import current_user, render


async def show(request: web.Request) -> web.Response:
    user = await current_user(request)
    place = await request.app[ACCESS].attempt(user, request.match_info["attempt"], Right.WATCH)
    attempt, exam = place.attempt, place.exam
    async with request.app[DATABASE].reading() as tx:
        student = await tx.users.get(attempt.student_id)
    sessions = request.app[SESSIONS]
    return await render(
        request,
        "review.html",
        exam={"id": exam.id, "title": exam.title},
        attempt={"id": attempt.id, "name": student.name, "status": attempt.status.value},
        back_href=f"/exams/{exam.id}/review",
        page={
            "attempt": attempt.id,
            "timeline": f"/api/attempts/{attempt.id}/timeline",
            "verdict": "/api/incidents/",
            "csrf": sessions.token(sessions.read(request)),
            "wall": None if attempt.status.over else f"/exams/{exam.id}/wall",
        },
    )


async def redirect(request: web.Request) -> web.Response:
    """Scripts that only know a prefix come here."""
    return web.Response(status=302, headers={"Location": f"/attempts/{request.match_info['attempt']}/review"})
