"""GET and POST /login, POST /logout."""

from __future__ import annotations

from aiohttp import web

from core.errors import ProctorError
from db.users import User
from web.keys import DATABASE, PASSWORDS, SESSIONS
from web.passwords import TooManyGuesses
from web.render import render
from web.security import address_of
from web.sessions import FormExpired

WRONG = "The e-mail address or the password is not right."


async def show(request: web.Request) -> web.Response:
    next = safe_path(request.query.get("next", "/"))
    return await render(request, "login.html", error="", email="", next=next)


async def submit(request: web.Request) -> web.Response:
    form = await request.post()
    email, password = str(form.get("email", "")), str(form.get("password", ""))
    next = safe_path(str(form.get("next", "/")))
    sessions = request.app[SESSIONS]
    try:
        sessions.check(sessions.read(request), str(form.get("csrf", "")))
        user = await _verified(request, email, password)
    except (FormExpired, TooManyGuesses, WrongPassword) as error:
        return await render(
            request, "login.html", status=error.status, error=str(error), email=email, next=next
        )
    response = web.Response(status=303, headers={"Location": next})
    sessions.open(response, user.id)
    return response


async def logout(request: web.Request) -> web.Response:
    form = await request.post()
    sessions = request.app[SESSIONS]
    sessions.check(sessions.read(request), str(form.get("csrf", "")))
    response = web.Response(status=303, headers={"Location": "/"})
    sessions.close(response)
    return response


class WrongPassword(ProctorError):
    """The same for an unknown address, a wrong password and a disabled account."""

    id = "wrong-password"
    status = 401
    sentence = WRONG


async def _verified(request: web.Request, email: str, password: str) -> User:
    async with request.app[DATABASE].reading() as tx:
        user = await tx.users.by_email(email)
    stored = user.password_hash if user is not None and user.active else None
    right = await request.app[PASSWORDS].verify(email, address_of(request), stored, password)
    if not right or user is None:
        raise WrongPassword()
    return user


def safe_path(path: str) -> str:
    """A path on this site, or the start page: nobody is sent elsewhere after logging in."""
    if not path.startswith("/") or path.startswith(("//", "/\\")) or any(c in path for c in "\r\n\t"):
        return "/"
    return path
