"""Errors as people and programs should meet them: a page, or problem details (RFC 9457)."""

from __future__ import annotations

import logging
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler

from core.errors import NotFound, ProctorError, Unauthenticated
from web.render import render

log = logging.getLogger(__name__)

ADVICE = {
    "not-found": "It may have been removed, or you may be logged in as somebody else.",
    "forbidden": "You may be logged in as somebody else.",
    "internal": "If it happens again, tell the person who runs this server.",
}
MACHINE_PATHS = ("/api/", "/ws/", "/health", "/ready")


class MethodNotAllowed(ProctorError):
    id = "method-not-allowed"
    status = 405
    sentence = "This address does not take that kind of request."


class Unreadable(ProctorError):
    id = "bad-request"
    status = 400
    sentence = "The server did not understand this request."


@web.middleware
async def say_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ProctorError as error:
        return await _said(request, error)
    except web.HTTPNotFound:
        return await _said(request, NotFound(what="page"))
    except web.HTTPMethodNotAllowed:
        return await _said(request, MethodNotAllowed())
    except web.HTTPClientError as error:
        if error.status >= 416:  # Ranges and the like: the status is the answer.
            raise
        return await _said(request, Unreadable())
    except web.HTTPException:
        raise
    except Exception:
        log.exception("a request failed", extra={"method": request.method, "path": request.path})
        return await _said(request, ProctorError())


async def _said(request: web.Request, error: ProctorError) -> web.StreamResponse:
    if request.path.startswith(MACHINE_PATHS):
        return as_json(error)
    if isinstance(error, Unauthenticated) and request.method in ("GET", "HEAD"):
        return web.Response(
            status=302, headers={"Location": f"/login?next={quote(request.path_qs, safe='')}"}
        )
    return await render(
        request,
        "error.html",
        status=error.status,
        title=str(error),
        problem=error.id,
        advice=ADVICE.get(error.id, ""),
    )


def as_json(error: ProctorError) -> web.Response:
    return web.json_response(
        {
            "type": f"urn:invigil:problem:{error.id}",
            "title": str(error),
            "status": error.status,
            "problem": error.id,
        },
        status=error.status,
        content_type="application/problem+json",
    )
