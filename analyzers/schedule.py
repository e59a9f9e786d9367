"""Who is looked at next, and by which detectors: pure, on the samples' clock.

Three parts: each student's own rates (more on suspicion, fewer when nothing moves), fair shares
between students, and what is given up first when one process cannot do it all.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)

_FRAME_S = 1 / 30
"""A look may come this much early, so that rates above a third of the picture rate are kept."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """How the rates change with what is going on."""

    burst: Mapping[str, float] = field(default_factory=lambda: {"objects": 3.0, "faces": 1.7, "gaze": 1.4})
    """detector -> times its rate while something of its kinds is suspected."""
    burst_s: float = 4.0
    """For so long after the last suspicion."""
    rest: Mapping[str, float] = field(
        default_factory=lambda: {"faces": 0.5, "gaze": 0.5, "objects": 0.5, "scene": 0.5}
    )
    """detector -> times its rate while nothing moves."""
    rest_after_s: float = 10.0
    together: frozenset[str] = frozenset({"faces", "gaze", "scene"})
    """Detectors that share what they compute of a sample (face, landmarks, the converted picture): when one
    of them is due, those of about its rate come along, or each would pay for itself."""
    alike: float = 1.25
    """Rates that differ by no more than this factor are about the same."""
    stillness: float = 0.6
    """Mean grey levels between looks below which nothing moves."""


class StudentSchedule:
    """When each of one student's detectors looks next."""

    def __init__(self, rates_hz: Mapping[str, float], tempo: Tempo | None = None) -> None:
        """`rates_hz`: detector -> looks a second while nothing special happens."""
        self._rates = dict(rates_hz)
        self._tempo = tempo or Tempo()
        self._shed: Mapping[str, float] = {}
        self._looked_at = dict.fromkeys(rates_hz, -inf)
        self._burst_until = dict.fromkeys(rates_hz, -inf)
        self._still_since: float | None = None

    def due(self, at: float) -> tuple[str, ...]:
        """Detectors that should look at a sample taken at `at`, in the order they were named."""
        due = {name for name in self._rates if self._is_due(name, at)}
        return tuple(name for name in self._rates if name in due or self._comes_along(name, due, at))

    def looked(self, name: str, at: float) -> None:
        self._looked_at[name] = at

    def suspect(self, detectors: Collection[str], at: float) -> None:
        """Something of these detectors' kinds is suspected: they look more often for a while."""
        for name in detectors:
            if name in self._burst_until:
                self._burst_until[name] = at + self._tempo.burst_s

    def moved(self, motion: float, at: float) -> None:
        """How much moves in the picture, in mean grey levels between looks."""
        if motion >= self._tempo.stillness:
            self._still_since = None
        elif self._still_since is None:
            self._still_since = at

    def shed(self, factors: Mapping[str, float]) -> None:
        """detector -> share of its rate that the process can afford; 0 switches it off."""
        self._shed = factors

    def rate(self, name: str, at: float) -> float:
        """Looks a second now. Suspicion is followed up at full rate, whatever else is shed."""
        rate, share = self._rates[name], self._shed.get(name, 1.0)
        if share > 0 and at < self._burst_until[name]:
            return rate * self._tempo.burst.get(name, 1.0)
        if self._resting(at):
            return rate * share * self._tempo.rest.get(name, 1.0)
        return rate * share

    def forget(self) -> None:
        """The stream broke: everything is due at once."""
        self._looked_at = dict.fromkeys(self._rates, -inf)
        self._still_since = None

    @property
    def overloaded(self) -> frozenset[str]:
        """Detectors that do not look at all for want of time."""
        return frozenset(name for name in self._rates if self._shed.get(name, 1.0) == 0.0)

    def _is_due(self, name: str, at: float) -> bool:
        rate = self.rate(name, at)
        return rate > 0 and at - self._looked_at[name] >= 1 / rate - _FRAME_S

    def _comes_along(self, name: str, due: Collection[str], at: float) -> bool:
        """With one of about the same rate: from then on the two keep step."""
        rate, together = self.rate(name, at), self._tempo.together
        if rate == 0 or name not in together:
            return False
        rates = (self.rate(other, at) for other in due if other in together)
        return any(1 / self._tempo.alike <= other / rate <= self._tempo.alike for other in rates)

    def _resting(self, at: float) -> bool:
        return self._still_since is not None and at - self._still_since >= self._tempo.rest_after_s


class FairShare(Generic[S]):
    """Start-time fair queuing: of those who want work, the one who has had least of it comes next.

    Who was idle does not save up: a share not taken is gone.
    """

    def __init__(self) -> None:
        self._used: dict[S, float] = {}
        self._now = 0.0

    def pick(self, ready: Iterable[S]) -> S | None:
        """Ties go to the one named first."""
        chosen = min(ready, key=self._start, default=None)
        if chosen is not None:
            self._now = self._start(chosen)
        return chosen

    def charge(self, student: S, seconds: float) -> None:
        """What the work just done has cost."""
        self._used[student] = self._start(student) + seconds

    def forget(self, student: S) -> None:
        self._used.pop(student, None)

    def _start(self, student: S) -> float:
        return max(self._used.get(student, 0.0), self._now)


SHED_LEVELS: tuple[Mapping[str, float], ...] = (
    {},
    {"gaze": 0.5, "scene": 0.5},
    {"gaze": 0.33, "scene": 0.5, "faces": 0.67, "objects": 0.67},
    {"gaze": 0.33, "scene": 0.5, "faces": 0.5, "objects": 0.5, "identity": 0.5},
    {"gaze": 0.0, "scene": 0.25, "faces": 0.33, "objects": 0.33, "identity": 0.33},
)
"""What is given up, step by step: gaze first, identity and objects last."""


class LoadShedder:
    """Watches how busy the process is and takes rates down, or gives them back, a level at a time."""

    def __init__(
        self,
        *,
        busy: float = 0.9,
        easy: float = 0.6,
        late_s: float = 1.0,
        window_s: float = 1.0,
        patience: int = 3,
    ) -> None:
        """Above `busy` (share of the time) or with pictures older than `late_s` a level is shed;
        after `patience` windows below `easy` one is given back."""
        self._busy = busy
        self._easy = easy
        self._late_s = late_s
        self._window_s = window_s
        self._patience = patience
        self._since: float | None = None
        self._worked = 0.0
        self._worst_lag = 0.0
        self._easy_windows = 0
        self.level = 0
        self.busy_share = 0.0

    @property
    def factors(self) -> Mapping[str, float]:
        return SHED_LEVELS[self.level]

    def note(self, worked_s: float, lag_s: float, now: float) -> bool:
        """Time spent on a piece of work and how old its picture was; True when the level changed."""
        if self._since is None:
            self._since = now
        self._worked += worked_s
        self._worst_lag = max(self._worst_lag, lag_s)
        elapsed = now - self._since
        return elapsed >= self._window_s and self._judge(elapsed, now)

    def _judge(self, elapsed: float, now: float) -> bool:
        self.busy_share = self._worked / elapsed
        overloaded = self.busy_share > self._busy or self._worst_lag > self._late_s
        easy = self.busy_share < self._easy and self._worst_lag < self._late_s / 2
        self._since, self._worked, self._worst_lag = now, 0.0, 0.0
        before = self.level
        if overloaded:
            self._easy_windows = 0
            self.level = min(self.level + 1, len(SHED_LEVELS) - 1)
        else:
            self._easy_windows = self._easy_windows + 1 if easy else 0
            if self._easy_windows >= self._patience:
                self._easy_windows = 0
                self.level = max(0, self.level - 1)
        return self.level != before
