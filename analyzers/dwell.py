"""Enter and exit hysteresis: from observations of single instants to findings that last.

Pure, on the samples' clock. A finding starts when enough of the latest measured looks speak for it
(K of N), for long enough; it ends when measured looks have said otherwise for long enough. What
cannot be measured counts neither way: it freezes the state, and after a while the finding ends with
`ended = could_not_measure`, which is not an all-clear.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from math import inf

from analyzers.dwell_rules import DEFAULT_RULES, DwellRule
from core.findings import Finding, Observation, Phase
from core.kinds import Kind


class Ending(StrEnum):
    """Why a finding ended; in the END finding's attributes under `ended`."""

    CLEARED = "cleared"
    COULD_NOT_MEASURE = "could_not_measure"
    CLOSED = "closed"
    """The attempt or the stream ended."""


def new_id() -> str:
    return uuid.uuid4().hex


class Dwell:
    """All kinds of one student. Feed observations in order of time; late ones are dropped and counted."""

    def __init__(
        self,
        rules: Mapping[Kind, DwellRule] = DEFAULT_RULES,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self._rules = rules
        self._make_id = make_id
        self._watches: dict[tuple[str, Kind], _Watch] = {}

    @property
    def late(self) -> int:
        """Observations that came after a newer one of the same detector and kind."""
        return sum(watch.late for watch in self._watches.values())

    @property
    def suspecting(self) -> frozenset[Kind]:
        """Kinds that have been hit but are not yet, or still, found: worth looking at more often."""
        return frozenset(kind for (_, kind), watch in self._watches.items() if watch.active)

    @property
    def open(self) -> frozenset[Kind]:
        return frozenset(kind for (_, kind), watch in self._watches.items() if watch.is_open)

    def feed(self, observations: Iterable[Observation]) -> list[Finding]:
        found: list[Finding] = []
        for observation in observations:
            found += self._watch(observation).feed(observation)
        return found

    def tick(self, now: float) -> list[Finding]:
        """End what nobody has looked at for too long. `now` is on the samples' clock."""
        return [end for watch in self._watches.values() if (end := watch.tick(now))]

    def change_rules(self, rules: Mapping[Kind, DwellRule]) -> None:
        """For what starts from now on; findings that are open end by the rules they began with."""
        self._rules = rules
        self._watches = {key: watch for key, watch in self._watches.items() if watch.is_open}

    def close(self, at: float) -> list[Finding]:
        """End everything: the stream or the attempt is over."""
        ends = [end for watch in self._watches.values() if (end := watch.end(at, Ending.CLOSED))]
        self._watches.clear()
        return ends

    def _watch(self, observation: Observation) -> _Watch:
        key = (observation.detector, observation.kind)
        if key not in self._watches:
            rule = self._rules.get(observation.kind, DwellRule())
            self._watches[key] = _Watch(rule, observation.detector, observation.kind, self._make_id)
        return self._watches[key]


class _Candidate:
    """Hits that may become a finding."""

    def __init__(self, at: float, rule: DwellRule) -> None:
        self.started_at = at
        self._rule = rule
        self._hits: deque[bool] = deque(maxlen=rule.of)
        self._seen = 0
        self._measured = 0

    def look(self, hit: bool) -> None:
        self._seen += 1
        self._measured += 1
        self._hits.append(hit)

    def blind(self) -> None:
        self._seen += 1

    @property
    def failed(self) -> bool:
        return len(self._hits) == self._rule.of and sum(self._hits) < self._rule.hits

    def ripe(self, at: float) -> bool:
        rule = self._rule
        return (
            sum(self._hits) >= rule.hits
            and at - self.started_at >= rule.seconds
            and self._measured >= rule.measured_share * self._seen
        )


class _Watch:
    """One kind of one detector of one student: idle, candidate, or open finding."""

    def __init__(self, rule: DwellRule, detector: str, kind: Kind, make_id: Callable[[], str]) -> None:
        self._rule = rule
        self._detector = detector
        self._kind = kind
        self._make_id = make_id
        self._scores: deque[float] = deque(maxlen=rule.of)
        self._last_at = -inf
        self._last_measured_at = -inf
        self._candidate: _Candidate | None = None
        self._finding: Finding | None = None
        self._supported_at = -inf
        self._said_at = -inf
        self._clear_seconds = 0.0
        self._was_clear = False
        self.late = 0

    @property
    def is_open(self) -> bool:
        return self._finding is not None

    @property
    def active(self) -> bool:
        return self._finding is not None or self._candidate is not None

    def feed(self, observation: Observation) -> list[Finding]:
        if observation.at < self._last_at:
            self.late += 1
            return []
        found: list[Finding] = []
        if end := self.tick(observation.at):
            found.append(end)
        continuous = observation.at - self._last_at <= self._rule.max_gap
        if self._finding is None:
            found += self._while_idle(observation, continuous)
        else:
            found += self._while_open(self._finding, observation, continuous)
        self._last_at = observation.at
        if observation.measurable.ok:
            self._last_measured_at = observation.at
        return found

    def tick(self, now: float) -> Finding | None:
        if now - self._last_measured_at >= self._rule.blind_timeout:
            self._candidate = None
            return self.end(now, Ending.COULD_NOT_MEASURE)
        return None

    def end(self, at: float, why: Ending) -> Finding | None:
        finding, self._finding = self._finding, None
        self._candidate = None
        self._scores.clear()
        if finding is None:
            return None
        return replace(
            finding,
            phase=Phase.END,
            at=max(at, finding.at),
            ended_at=self._supported_at,
            attributes={**finding.attributes, "ended": why.value},
        )

    def _while_idle(self, observation: Observation, continuous: bool) -> list[Finding]:
        if not continuous:
            self._candidate = None
        if not observation.measurable.ok:
            if self._candidate:
                self._candidate.blind()
            return []
        hit = observation.score >= self._rule.enter
        candidate = self._next_candidate(observation.at, hit)
        if candidate is None or not hit:
            return []
        self._scores.append(observation.score)
        if not candidate.ripe(observation.at):
            return []
        return self._start(observation, candidate.started_at)

    def _next_candidate(self, at: float, hit: bool) -> _Candidate | None:
        """Count this look; a candidate that failed makes room, for this look's own where it is a hit."""
        if self._candidate:
            self._candidate.look(hit)
            if not self._candidate.failed:
                return self._candidate
            self._candidate = None
        if hit:
            self._scores.clear()
            self._candidate = _Candidate(at, self._rule)
            self._candidate.look(hit)
        return self._candidate

    def _start(self, observation: Observation, started_at: float) -> list[Finding]:
        self._candidate = None
        self._finding = Finding(
            id=self._make_id(),
            kind=self._kind,
            detector=self._detector,
            phase=Phase.START,
            at=observation.at,
            started_at=started_at,
            confidence=self._mean_score(),
            boxes=observation.boxes,
            attributes=dict(observation.attributes),
        )
        self._support(observation.at)
        self._said_at = observation.at
        if not self._rule.point:
            return [self._finding]
        start = self._finding
        end = self.end(observation.at, Ending.CLEARED)
        assert end is not None
        return [start, end]

    def _while_open(self, finding: Finding, observation: Observation, continuous: bool) -> list[Finding]:
        if not observation.measurable.ok:
            self._was_clear = False
            return []
        if observation.score >= self._rule.exit:
            self._support(observation.at)
            return self._update(finding, observation)
        return self._clear(observation.at, continuous)

    def _support(self, at: float) -> None:
        self._supported_at = at
        self._clear_seconds = 0.0
        self._was_clear = False

    def _update(self, finding: Finding, observation: Observation) -> list[Finding]:
        self._scores.append(observation.score)
        mean = self._mean_score()
        stronger = mean >= finding.confidence + 0.1
        if not stronger and observation.at - self._said_at < self._rule.update_seconds:
            return []
        self._said_at = observation.at
        self._finding = replace(
            finding,
            phase=Phase.UPDATE,
            at=observation.at,
            confidence=max(finding.confidence, mean),
            boxes=observation.boxes or finding.boxes,
            attributes={**finding.attributes, **observation.attributes},
        )
        return [self._finding]

    def _clear(self, at: float, continuous: bool) -> list[Finding]:
        """Only time between two clear looks counts as clear."""
        if self._was_clear and continuous:
            self._clear_seconds += at - self._last_at
        self._was_clear = True
        if self._clear_seconds < self._rule.exit_seconds:
            return []
        end = self.end(at, Ending.CLEARED)
        return [end] if end else []

    def _mean_score(self) -> float:
        return sum(self._scores) / len(self._scores)
