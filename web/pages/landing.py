"""GET /: what this person can open."""

from __future__ import annotations

from aiohttp import web

from core.attempts import AttemptStatus
from core.errors import Unauthenticated
from core.people import Role
from db.exams import Exam
from db.users import User
from web.access import Place
from web.keys import ACCESS
from web.render import current_user, render

_NOTES = {
    AttemptStatus.NONE: "Not started",
    AttemptStatus.RUNNING: "Running",
    AttemptStatus.PAUSED: "Paused by a proctor",
    AttemptStatus.TERMINATED: "Ended by a proctor",
    AttemptStatus.COMPLETE: "Handed in",
}


async def show(request: web.Request) -> web.Response:
    access = request.app[ACCESS]
    try:
        user = await current_user(request)
    except Unauthenticated:
        return await render(request, "landing.html", exams=[])
    if user.role is Role.STUDENT:
        cards = [_own(place) for place in await access.own_attempts(user)]
    else:
        cards = [card for exam in await access.exams(user) for card in _staff(user, exam)]
    return await render(request, "landing.html", exams=cards)


def _own(place: Place) -> dict[str, str]:
    return {
        "title": place.exam.title,
        "code": place.exam.code,
        "href": f"/attempts/{place.attempt.id}/session",
        "note": _NOTES[place.attempt.status],
        "action": "Look at" if place.attempt.status.over else "Open",
    }


def _staff(user: User, exam: Exam) -> list[dict[str, str]]:
    wall = {
        "title": exam.title,
        "code": exam.code,
        "href": f"/exams/{exam.id}/wall",
        "note": f"Code {exam.code} · live",
        "action": "Wall",
    }
    review = {
        **wall,
        "href": f"/exams/{exam.id}/review",
        "note": f"Code {exam.code} · recordings and incidents",
        "action": "Review",
    }
    return [review, wall] if user.role is Role.PROFESSOR else [wall, review]
