"""The exam's clock as a ledger: entries are only ever added, and the time left follows from them.

All times are UNIX seconds on the server. Nothing here reads a clock: `now` is handed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from core.attempts import Action


class ClockKind(StrEnum):
    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    EXTENDED = "extended"
    """`seconds` more (or, where negative, an extension taken back)."""
    OUTAGE_CREDIT = "outage_credit"
    """`seconds` given back for time the student could not work."""
    ENDED = "ended"


_RUNS_AFTER: dict[ClockKind, bool] = {
    ClockKind.STARTED: True,
    ClockKind.RESUMED: True,
    ClockKind.PAUSED: False,
    ClockKind.ENDED: False,
}

_GRANTS = frozenset({ClockKind.EXTENDED, ClockKind.OUTAGE_CREDIT})

_KIND_OF: dict[Action, ClockKind] = {
    Action.START: ClockKind.STARTED,
    Action.PAUSE: ClockKind.PAUSED,
    Action.RESUME: ClockKind.RESUMED,
    Action.TERMINATE: ClockKind.ENDED,
    Action.COMPLETE: ClockKind.ENDED,
}


def clock_kind(action: Action) -> ClockKind:
    """What an action on an attempt does to its clock."""
    return _KIND_OF[action]


@dataclass(frozen=True, slots=True)
class ClockEntry:
    at: float
    kind: ClockKind
    seconds: float = 0.0
    """Only for grants: EXTENDED and OUTAGE_CREDIT."""
    actor: str | None = None
    """User id; None for the system."""
    reason: str = ""

    def __post_init__(self) -> None:
        if self.seconds and self.kind not in _GRANTS:
            raise ValueError(f"{self.kind} takes no seconds, got {self.seconds}")


def time_used(entries: Iterable[ClockEntry], now: float) -> float:
    """Seconds the clock has run up to `now`. Entries of the future do not count yet."""
    used = 0.0
    running_since: float | None = None
    for entry in sorted(entries, key=lambda entry: entry.at):
        if entry.at > now or entry.kind in _GRANTS:
            continue
        if running_since is not None:
            used += entry.at - running_since
        running_since = entry.at if _RUNS_AFTER[entry.kind] else None
        if entry.kind is ClockKind.ENDED:
            return used
    if running_since is not None:
        used += now - running_since
    return used


def time_granted(entries: Iterable[ClockEntry], now: float) -> float:
    """Seconds of extensions and outage credits given up to `now`."""
    return sum(entry.seconds for entry in entries if entry.kind in _GRANTS and entry.at <= now)


def time_left(entries: Iterable[ClockEntry], now: float, duration_s: float) -> float:
    """Seconds left of an exam of `duration_s`; never below 0. Before the start, all of it."""
    entries = list(entries)
    return max(0.0, duration_s + time_granted(entries, now) - time_used(entries, now))
