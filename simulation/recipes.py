"""What each clip is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.kinds import Kind
from core.samples import SAMPLE_RATE
from simulation import media
from simulation.people import film, person
from simulation.scenes import (
    BEAT,
    BEGINS,
    ENDS,
    SECONDS,
    Alone,
    Covered,
    Darkened,
    Filmed,
    Frozen,
    Replaced,
    Scene,
    Span,
    Visited,
    WithPhone,
)
from simulation.speech import Sound, clatter, mixed, room_tone, voice

TALK_S = ENDS - BEGINS


def _quiet() -> Sound:
    return room_tone(SECONDS)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a clip is made. `scene` is called with the names of those who play, `sound` with nothing."""

    what: str
    scene: Callable[..., Scene]
    casts: tuple[tuple[str, ...], ...]
    """Who may play, by name in media.toml: the first cast whose pictures can be had here plays."""
    sound: Callable[[], Sound] = _quiet
    heard: tuple[Span, ...] = ()
    voices: frozenset[str] = frozenset()
    """Recordings in media.toml that it would rather have; without them a synthesiser speaks."""
    calm_s: float = BEAT

    @property
    def cast(self) -> tuple[str, ...]:
        """Those who play here; the first cast where none can be had."""
        have = media.obtainable()
        return next((cast for cast in self.casts if have.issuperset(cast)), self.casts[0])


_STUDENT = (("portrait-1",), ("obama",))
"""Somebody who sits there; the second without npm."""


def _sits(who: str) -> Scene:
    return Alone(person(who))


def _leaves(who: str) -> Scene:
    return Alone(person(who), leaves=True)


def _is_visited(who: str, visitor: str) -> Scene:
    return Visited(person(who), person(visitor))


def _is_replaced(who: str, other: str) -> Scene:
    return Replaced(person(who), person(other))


def _takes_phone(who: str) -> Scene:
    return WithPhone(person(who))


def _is_filmed(name: str) -> Scene:
    return Filmed(tuple(film(name)))


def _talking(number: int, start: float = BEGINS, seconds: float = TALK_S) -> tuple[float, Sound]:
    return start, voice(number)[: round(seconds * SAMPLE_RATE)]


def _heard(kind: Kind, start: float = BEGINS, seconds: float = TALK_S) -> Span:
    return Span(kind, start, start + seconds)


RECIPES: dict[str, Recipe] = {
    "normal": Recipe("a student who works quietly", _sits, _STUDENT, calm_s=SECONDS),
    "absent": Recipe("leaves for ten seconds", _leaves, (("obama",),)),
    "second": Recipe(
        "a second person comes in and talks",
        _is_visited,
        (("portrait-2", "obama"), ("biden", "obama")),
        lambda: mixed(_quiet(), _talking(2, BEGINS + 1.5, TALK_S - 2)),
        (_heard(Kind.SPEECH, BEGINS + 1.5, TALK_S - 2),),
        frozenset({"voice-2"}),
    ),
    "other": Recipe("another person sits down instead", _is_replaced, (("biden", "obama"),)),
    "phone": Recipe("takes out a phone", _takes_phone, (("portrait-3",),)),
    "speech": Recipe(
        "talks",
        _is_filmed,
        (("carphone",),),
        lambda: mixed(_quiet(), _talking(1)),
        (_heard(Kind.SPEECH),),
        frozenset({"voice-1"}),
    ),
    "voices": Recipe(
        "talks, and somebody else answers",
        _is_filmed,
        (("carphone",),),
        lambda: mixed(_quiet(), _talking(1, 1, 14), _talking(2, 17, 12)),
        (_heard(Kind.SPEECH, 1, 14), _heard(Kind.SPEECH, 17, 12), _heard(Kind.SECOND_VOICE, 17, 12)),
        frozenset({"voice-1", "voice-2"}),
        calm_s=SECONDS,
    ),
    "noise": Recipe(
        "loud noise without a voice",
        _sits,
        _STUDENT,
        lambda: mixed(_quiet(), (BEGINS, clatter(TALK_S))),
        (_heard(Kind.NOISE),),
    ),
    "dark": Recipe("the light goes off", lambda who: Darkened(_sits(who)), _STUDENT),
    "covered": Recipe("a hand covers the lens", lambda who: Covered(_sits(who)), _STUDENT),
    "frozen": Recipe("the camera hangs", lambda who: Frozen(_sits(who)), _STUDENT),
}
DEMO = ("normal", "absent", "second", "other", "phone")
