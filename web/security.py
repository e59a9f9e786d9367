"""What every response says to the browser, and what no request may be: one that another site made."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from core.errors import Forbidden
from web.keys import SETTINGS

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; font-src 'self'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": (
        "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), "
        "geolocation=(), payment=(), usb=(), serial=(), hid=()"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
YEAR_S = 365 * 24 * 3600
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if over_tls(request):
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_S}")
    if request.path.startswith("/static/"):
        # Revalidated each time: modules import one another by name, so a mix of versions would break.
        response.headers.setdefault("Cache-Control", "no-cache")
    else:
        response.headers.setdefault("Cache-Control", "no-store")


def over_tls(request: web.Request) -> bool:
    web_settings = request.app[SETTINGS].web
    return web_settings.tls_cert is not None or web_settings.behind_proxy


def address_of(request: web.Request) -> str:
    """The browser's address; behind our own proxy, the one the proxy saw."""
    if request.app[SETTINGS].web.behind_proxy:
        forwarded = request.headers.get("X-Forwarded-For", "")
        if forwarded:
            return forwarded.rsplit(",", 1)[-1].strip()
    return request.remote or ""


@web.middleware
async def refuse_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Changing requests and sockets must come from our own pages. Programs send neither header."""
    changes = request.method not in SAFE
    if (changes or _is_upgrade(request)) and not _from_here(request):
        raise Forbidden()
    return await handler(request)


def _is_upgrade(request: web.Request) -> bool:
    return request.headers.get("Upgrade", "").lower() == "websocket"


def _from_here(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    known = {request.host.lower(), urlsplit(request.app[SETTINGS].base_url).netloc.lower()}
    return urlsplit(origin).netloc.lower() in known
