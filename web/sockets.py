"""The two sockets: a student's attempt, and an exam for its staff. Access is settled before the upgrade."""

from __future__ import annotations

from aiohttp import web

from signaling.messages import MAX_MESSAGE_BYTES
from signaling.proctor import ProctorParticipant
from signaling.session import Side
from signaling.socket import Participant, Socket
from signaling.student import StudentParticipant
from web.access import Right
from web.keys import ACCESS, DESKS, SETTINGS
from web.render import current_user
from web.security import address_of


def add_routes(app: web.Application) -> None:
    app.router.add_get("/ws/attempts/{attempt}", student)
    app.router.add_get("/ws/exams/{exam}", proctor)


async def student(request: web.Request) -> web.WebSocketResponse:
    user = await current_user(request)
    place = await request.app[ACCESS].attempt(user, request.match_info["attempt"], Right.SIT)
    participant = StudentParticipant(
        request.app[DESKS],
        place.exam.id,
        place.attempt.id,
        address=address_of(request),
        user_agent=request.headers.get("User-Agent", ""),
    )
    return await _serve(request, "student", participant)


async def proctor(request: web.Request) -> web.WebSocketResponse:
    user = await current_user(request)
    exam = await request.app[ACCESS].exam(user, request.match_info["exam"])
    workers = list(range(request.app[SETTINGS].media.processes))
    participant = ProctorParticipant(request.app[DESKS], exam.id, user, workers)
    return await _serve(request, "proctor", participant)


async def _serve(request: web.Request, side: Side, participant: Participant) -> web.WebSocketResponse:
    # Above our own limit, which is answered with a problem, aiohttp's closes the socket. Deflate would
    # spend a core on overlays that are small already.
    response = web.WebSocketResponse(max_msg_size=2 * MAX_MESSAGE_BYTES, compress=False)
    await response.prepare(request)
    await Socket(response, side).run(participant)
    return response
