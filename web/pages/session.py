"""GET /attempts/{attempt}/session: the student's own page."""

from __future__ import annotations

from aiohttp import web

from web.access import Right
from web.keys import ACCESS
from web.render import current_user, render


async def show(request: web.Request) -> web.Response:
    user = await current_user(request)
    place = await request.app[ACCESS].attempt(user, request.match_info["attempt"], Right.SIT)
    id = place.attempt.id
    return await render(
        request,
        "session.html",
        exam={"title": place.exam.title},
        page={"attempt": id, "socket": f"/ws/attempts/{id}"},
    )
