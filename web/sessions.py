"""Who is logged in: a signed cookie, and the token that forms of the same browser carry."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from aiohttp import web
from itsdangerous import BadData, URLSafeTimedSerializer

from core.errors import ProctorError

COOKIE = "invigil_session"
LIFETIME_S = 12 * 3600


class FormExpired(ProctorError):
    id = "form-expired"
    status = 403
    sentence = "This form is no longer valid. Please reload the page and try again."


@dataclass(frozen=True, slots=True)
class Session:
    """One browser. `nonce` changes with each login, and the form token with it."""

    user_id: str | None
    nonce: str


class Sessions:
    """Reads and writes the cookie. Nothing is kept here: what is signed is what counts."""

    def __init__(self, key: str, *, secure: bool) -> None:
        self._serializer = URLSafeTimedSerializer(key, salt="invigil.session")
        self._token_key = hashlib.sha256(b"invigil.form:" + key.encode()).digest()
        self._secure = secure

    def read(self, request: web.Request) -> Session:
        """Nobody's session where there is none that can be trusted."""
        try:
            found = self._serializer.loads(request.cookies.get(COOKIE, ""), max_age=LIFETIME_S)
            return Session(user_id=found["u"], nonce=found["n"])
        except (BadData, KeyError, TypeError):
            return Session(user_id=None, nonce="")

    def open(self, response: web.StreamResponse, user_id: str | None) -> Session:
        """A new session: after a login, or (None) for a form that somebody unknown is about to see."""
        session = Session(user_id=user_id, nonce=secrets.token_urlsafe(16))
        self.write(response, session)
        return session

    def write(self, response: web.StreamResponse, session: Session) -> None:
        response.set_cookie(
            COOKIE,
            self._serializer.dumps({"u": session.user_id, "n": session.nonce}),
            max_age=LIFETIME_S,
            httponly=True,
            samesite="Lax",
            secure=self._secure,
            path="/",
        )

    def close(self, response: web.StreamResponse) -> None:
        response.del_cookie(COOKIE, path="/", secure=self._secure, httponly=True, samesite="Lax")

    def token(self, session: Session) -> str:
        """For the hidden field `csrf`, or the header X-CSRF-Token."""
        return hmac.new(self._token_key, session.nonce.encode(), hashlib.sha256).hexdigest()

    def check(self, session: Session, token: str) -> None:
        """Raises FormExpired."""
        if not session.nonce or not hmac.compare_digest(self.token(session), token):
            raise FormExpired()
