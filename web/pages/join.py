"""GET /join/{token}: log in by signed link, and go where it leads."""

from __future__ import annotations

from aiohttp import web

from core.errors import NotFound
from core.exams import ExamStatus
from core.people import Role
from db.users import User
from web.keys import ACCESS, DATABASE, LINKS, SESSIONS
from web.links import Invitation


async def enter(request: web.Request) -> web.Response:
    invitation = request.app[LINKS].read(request.match_info["token"])
    user = await request.app[ACCESS].user(invitation.user_id)
    response = web.Response(status=303, headers={"Location": await _target(request, user, invitation)})
    request.app[SESSIONS].open(response, user.id)
    return response


async def _target(request: web.Request, user: User, invitation: Invitation) -> str:
    if invitation.exam_id is None:
        return "/"
    if user.role is not Role.STUDENT:
        exam = await request.app[ACCESS].exam(user, invitation.exam_id)
        return f"/exams/{exam.id}/wall"
    return f"/attempts/{await _admit(request, user, invitation.exam_id)}/session"


async def _admit(request: web.Request, user: User, exam_id: str) -> str:
    """The student's attempt, made where this is the first time."""
    database = request.app[DATABASE]
    async with database.reading() as tx:
        if (await tx.exams.get(exam_id)).status is ExamStatus.DRAFT:
            raise NotFound(what="exam")
    attempt = await database.run(lambda tx: tx.attempts.admit(exam_id, user.id))
    return attempt.id
