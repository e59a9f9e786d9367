"""How long each kind must be seen before it is said, and not be seen before it is over.

Chosen for at most two alerts a student-hour on clean footage, and for phone within 2–3 s, no face in
3 s, speech in 2 s of its beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf

from core.errors import BadSettings
from core.kinds import Kind


@dataclass(frozen=True, slots=True)
class DwellRule:
    """How long a kind must be seen before it is said, and how long not before it is over."""

    enter: float = 0.5
    """A measured score at or above speaks for the kind: a hit."""
    exit: float = 0.35
    """Once started, a score at or above still supports it."""
    hits: int = 2
    of: int = 3
    """At least `hits` among the last `of` measured looks, all along."""
    seconds: float = 0.0
    """Between the first hit and the start of the finding."""
    exit_seconds: float = 1.5
    """Measured time without support that ends the finding."""
    measured_share: float = 0.5
    """Of the looks since the first hit, at least this share must have been measurable."""
    max_gap: float = 3.0
    """Looks further apart than this many seconds are not continuous."""
    blind_timeout: float = 10.0
    """Seconds without a measurable look after which a finding ends without an all-clear."""
    update_seconds: float = 5.0
    point: bool = False
    """Happens at an instant (a paste): starts and ends at once."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.exit <= self.enter <= 1.0:
            raise ValueError(f"wanted 0 <= exit <= enter <= 1, got exit {self.exit}, enter {self.enter}")
        if not 1 <= self.hits <= self.of:
            raise ValueError(f"wanted 1 <= hits <= of, got {self.hits} of {self.of}")


BROWSER = DwellRule(hits=1, of=1, exit_seconds=0.0, max_gap=inf, blind_timeout=inf, update_seconds=inf)
"""The browser says what it knows, once: nothing to smooth, and no sample says that it is still so."""
_BROWSER_POINT = replace(BROWSER, point=True)

DEFAULT_RULES: Mapping[Kind, DwellRule] = {
    # Face kinds are looked at twice a second, more often on suspicion.
    Kind.NO_FACE: DwellRule(hits=4, of=5, seconds=2.5, exit_seconds=1.0),
    Kind.MULTIPLE_FACES: DwellRule(hits=4, of=6, seconds=1.5, exit_seconds=2.0),
    Kind.HEAD_TURNED: DwellRule(hits=4, of=5, seconds=4.0, exit_seconds=1.0),
    Kind.FACE_TOO_SMALL: DwellRule(hits=4, of=5, seconds=5.0, exit_seconds=2.0),
    Kind.FACE_OCCLUDED: DwellRule(hits=4, of=5, seconds=5.0, exit_seconds=2.0),
    Kind.GAZE_AWAY: DwellRule(hits=4, of=5, seconds=4.0, exit_seconds=1.0),
    # Looked at every 20 s, and again soon after a bad look: two bad looks running.
    Kind.IDENTITY_MISMATCH: DwellRule(
        hits=2, of=2, exit_seconds=1.0, max_gap=45.0, blind_timeout=60.0, update_seconds=20.0
    ),
    # Objects: once a second, three times while something is suspected.
    Kind.PHONE: DwellRule(enter=0.4, exit=0.3, hits=3, of=4, seconds=0.6, exit_seconds=2.0),
    Kind.BOOK: DwellRule(enter=0.45, exit=0.3, hits=4, of=5, seconds=2.0, exit_seconds=3.0),
    Kind.LAPTOP: DwellRule(enter=0.5, exit=0.35, hits=4, of=5, seconds=2.0, exit_seconds=3.0),
    Kind.SECOND_PERSON: DwellRule(enter=0.5, exit=0.35, hits=4, of=5, seconds=1.5, exit_seconds=2.0),
    # Sound: about two looks a second, each already a mean over a second.
    Kind.SPEECH: DwellRule(enter=0.5, exit=0.25, hits=2, of=3, seconds=0.9, exit_seconds=2.0),
    Kind.SECOND_VOICE: DwellRule(hits=2, of=3, seconds=0.9, exit_seconds=3.0, max_gap=5.0),
    Kind.NOISE: DwellRule(enter=0.6, exit=0.4, hits=3, of=4, seconds=1.5, exit_seconds=2.0),
    # Scene: once or twice a second.
    Kind.DARK: DwellRule(hits=3, of=4, seconds=3.0, exit_seconds=2.0),
    Kind.COVERED: DwellRule(hits=3, of=4, seconds=2.0, exit_seconds=1.0),
    Kind.BLURRED: DwellRule(hits=3, of=4, seconds=5.0, exit_seconds=3.0),
    Kind.FROZEN: DwellRule(hits=3, of=4, seconds=3.0, exit_seconds=1.0),
    Kind.VIRTUAL_CAMERA: DwellRule(hits=4, of=5, seconds=20.0, exit_seconds=5.0),
    **dict.fromkeys(
        (
            Kind.TAB_HIDDEN,
            Kind.WINDOW_BLUR,
            Kind.FULLSCREEN_LEFT,
            Kind.SECOND_DISPLAY,
            Kind.DEVTOOLS,
            Kind.CAMERA_MUTED,
            Kind.MICROPHONE_MUTED,
            Kind.SCREEN_STOPPED,
        ),
        BROWSER,
    ),
    **dict.fromkeys(
        (Kind.COPY, Kind.PASTE, Kind.SHORTCUT, Kind.CAMERA_REPLACED, Kind.MICROPHONE_REPLACED),
        _BROWSER_POINT,
    ),
}


def with_thresholds(
    thresholds: Mapping[str, float], rules: Mapping[Kind, DwellRule] = DEFAULT_RULES
) -> dict[Kind, DwellRule]:
    """`rules` with other enter scores (kind's wire spelling -> score), as settings, exam or
    accommodation say; the exit score keeps its distance in proportion. Raises BadSettings."""
    changed = dict(rules)
    for name, enter in thresholds.items():
        if name not in Kind.__members__.values() or not 0.0 < enter <= 1.0:
            raise BadSettings(detail=f"A threshold must be a kind and a score of 0–1, got {name} = {enter}.")
        kind = Kind(name)
        rule = rules.get(kind, DwellRule())
        changed[kind] = replace(rule, enter=enter, exit=rule.exit * enter / rule.enter)
    return changed
