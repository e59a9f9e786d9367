"""What the system sees of a student, for the student: facts one can do something about, never a score."""

from __future__ import annotations

from typing import Literal

from core.findings import Blindness
from core.kinds import Kind
from signaling.messages import Seen
from transport.messages import Sight

HOLDS = 0.5
NOTED = (
    Kind.DARK,
    Kind.COVERED,
    Kind.BLURRED,
    Kind.FROZEN,
    Kind.FACE_TOO_SMALL,
    Kind.FACE_OCCLUDED,
    Kind.PHONE,
    Kind.BOOK,
    Kind.LAPTOP,
    Kind.NOISE,
)
"""Who it is, where the eyes go and what is heard of others are not for this list."""


def seen(sight: Sight) -> Seen:
    return Seen(
        face=_face(sight),
        light=_light(sight),
        sound=_sound(sight),
        blind=dict(sight.blind),
        notes=[kind for kind in NOTED if _holds(sight, kind)],
    )


def _holds(sight: Sight, kind: Kind) -> bool:
    return sight.scores.get(kind.value, 0.0) >= HOLDS


def _looks(sight: Sight, detector: str) -> bool:
    return detector in sight.running and detector not in sight.blind


def _face(sight: Sight) -> Literal["one", "none", "several", "unknown"]:
    if _holds(sight, Kind.MULTIPLE_FACES):
        return "several"
    if _holds(sight, Kind.NO_FACE) or sight.blind.get("faces") is Blindness.NO_FACE:
        return "none"
    return "one" if _looks(sight, "faces") else "unknown"


def _light(sight: Sight) -> Literal["ok", "dark", "unknown"]:
    if _holds(sight, Kind.DARK):
        return "dark"
    return "ok" if _looks(sight, "scene") else "unknown"


def _sound(sight: Sight) -> Literal["quiet", "speech", "unknown"]:
    if not _looks(sight, "speech"):
        return "unknown"
    return "speech" if _holds(sight, Kind.SPEECH) else "quiet"
