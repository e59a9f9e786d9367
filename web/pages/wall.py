"""GET /exams/{exam}/wall: the proctors' page."""

from __future__ import annotations

from aiohttp import web

from web.keys import ACCESS
from web.render import current_user, render


async def show(request: web.Request) -> web.Response:
    user = await current_user(request)
    exam = await request.app[ACCESS].exam(user, request.match_info["exam"])
    return await render(
        request,
        "wall.html",
        exam={"id": exam.id, "title": exam.title},
        review_href=f"/exams/{exam.id}/review",
        page={"exam": exam.id, "socket": f"/ws/exams/{exam.id}", "review": "/review/attempts/"},
    )
