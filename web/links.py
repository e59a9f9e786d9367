"""Links that log a person in: signed, for one purpose, with an end."""

from __future__ import annotations

from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer

from core.errors import ProctorError
from core.ports import Clock

WEEK_S = 7 * 24 * 3600.0


class LinkInvalid(ProctorError):
    id = "link-invalid"
    status = 403
    sentence = "This link has expired or was not copied whole. Ask the person who sent it for a new one."


@dataclass(frozen=True, slots=True)
class Invitation:
    user_id: str
    exam_id: str | None
    """Where it leads; None: to the start page."""


class Links:
    def __init__(self, key: str, base_url: str, clock: Clock) -> None:
        self._serializer = URLSafeSerializer(key, salt="invigil.join")
        self._base_url = base_url.rstrip("/")
        self._clock = clock

    def make(self, user_id: str, exam_id: str | None = None, *, seconds: float = WEEK_S) -> str:
        """An absolute URL."""
        ends = int(self._clock() + seconds)
        token = self._serializer.dumps({"p": "join", "u": user_id, "e": exam_id, "x": ends})
        return f"{self._base_url}/join/{token}"

    def read(self, token: str) -> Invitation:
        """Raises LinkInvalid."""
        try:
            found = self._serializer.loads(token)
            if found["p"] != "join" or found["x"] < self._clock():
                raise LinkInvalid()
            return Invitation(user_id=found["u"], exam_id=found["e"])
        except (BadData, KeyError, TypeError) as error:
            raise LinkInvalid() from error
