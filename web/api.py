"""The JSON API and the media files. Problems are problem details (RFC 9457); times are UNIX seconds."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from core.errors import BadMessage
from core.incidents import Verdict
from signaling.seating import stored_view
from web.access import Place, Right
from web.keys import ACCESS, DATABASE, DESKS, EVIDENCE, SESSIONS, SETTINGS
from web.recordings import Recordings
from web.render import current_user
from web.report import report
from web.timeline import timeline

RECORDINGS: web.AppKey[Recordings] = web.AppKey("recordings")
JPEG = {"Content-Type": "image/jpeg", "Cache-Control": "private, max-age=3600, immutable"}


class VerdictRequest(msgspec.Struct, forbid_unknown_fields=True):
    verdict: Verdict | None
    reason: str = ""


def add_routes(app: web.Application) -> None:
    get, post = app.router.add_get, app.router.add_post
    get("/api/attempts/{attempt}/incidents", incidents)
    get("/api/attempts/{attempt}/timeline", show_timeline)
    get("/api/attempts/{attempt}/report", show_report)
    get("/api/attempts/{attempt}/recording", recording)
    get("/api/attempts/{attempt}/segments/{number:[0-9]{1,6}}", segment)
    get("/api/attempts/{attempt}/thumbnails/{number:[0-9]{1,6}}", thumbnail)
    post("/api/incidents/{incident}/verdict", judge)
    get("/api/evidence/{key:.+}", evidence)
    get("/health", health)
    get("/ready", ready)


async def _place(request: web.Request) -> Place:
    """The attempt of this path, for the exam's staff."""
    user = await current_user(request)
    return await request.app[ACCESS].attempt(user, request.match_info["attempt"], Right.WATCH)


def _json(data: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(data), content_type="application/json")


async def incidents(request: web.Request) -> web.Response:
    place = await _place(request)
    async with request.app[DATABASE].reading() as tx:
        stored = await tx.incidents.of_attempt(place.attempt.id)
    return _json({"incidents": [stored_view(one) for one in stored]})


async def show_timeline(request: web.Request) -> web.Response:
    place = await _place(request)
    async with request.app[DATABASE].reading() as tx:
        complete = request.app[RECORDINGS].complete(place.attempt)
        now = request.app[DESKS].clock()
        return _json(await timeline(tx, place.attempt, recorded=complete, now=now))


async def show_report(request: web.Request) -> web.Response:
    place = await _place(request)
    async with request.app[DATABASE].reading() as tx:
        return _json(await report(tx, place.attempt, place.exam, now=request.app[DESKS].clock()))


async def judge(request: web.Request) -> web.Response:
    """Body: {"verdict": "confirmed" | "dismissed" | "technical" | null, "reason": str}."""
    user = await current_user(request)
    sessions = request.app[SESSIONS]
    sessions.check(sessions.read(request), request.headers.get("X-CSRF-Token", ""))
    stored = await request.app[ACCESS].incident(user, request.match_info["incident"])
    try:
        asked = msgspec.json.decode(await request.read(), type=VerdictRequest)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadMessage(detail=str(error)[:200]) from error
    if len(asked.reason) > 500:
        raise BadMessage(detail="the reason is longer than 500 characters")
    await request.app[DESKS].interventions.judge(
        stored.exam_id, stored.incident.id, asked.verdict, actor=user.id, reason=asked.reason
    )
    async with request.app[DATABASE].reading() as tx:
        return _json(stored_view(await tx.incidents.get(stored.incident.id)))


async def evidence(request: web.Request) -> web.StreamResponse:
    user = await current_user(request)
    key = await request.app[ACCESS].evidence(user, request.match_info["key"])
    return web.Response(body=await request.app[EVIDENCE].get(key), headers=JPEG)


async def recording(request: web.Request) -> web.StreamResponse:
    """The one seekable file, with range requests; only after the end. ?track=screen for the screen."""
    place = await _place(request)
    finished = await request.app[RECORDINGS].whole(place.attempt, _track(request))
    return web.FileResponse(finished.path, headers={"Content-Type": finished.mime})


async def segment(request: web.Request) -> web.StreamResponse:
    place = await _place(request)
    path = await request.app[RECORDINGS].segment(
        place.attempt.id, _track(request), int(request.match_info["number"])
    )
    return web.FileResponse(path)


async def thumbnail(request: web.Request) -> web.StreamResponse:
    place = await _place(request)
    path = await request.app[RECORDINGS].thumbnail(place.attempt.id, int(request.match_info["number"]))
    return web.FileResponse(path, headers=JPEG)


def _track(request: web.Request) -> str:
    track = request.query.get("track", "main")
    if track not in ("main", "screen"):
        raise BadMessage(detail="a track is main or screen")
    return track


async def health(request: web.Request) -> web.Response:
    """This process answers."""
    del request
    return _json({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """It can take students: the database answers, and every worker process is up."""
    async with request.app[DATABASE].reading() as tx:
        await tx.events.last_seq("")
    settings, workers = request.app[SETTINGS], request.app[DESKS].media.workers
    wanted = {("media", index) for index in range(settings.media.processes)}
    wanted |= {("analysis", index) for index in range(settings.analysis.processes)}
    missing = sorted(f"{role}-{index}" for role, index in wanted - workers)
    status = 503 if missing else 200
    body = msgspec.json.encode({"status": "waiting" if missing else "ready", "missing": missing})
    return web.Response(status=status, body=body, content_type="application/json")
