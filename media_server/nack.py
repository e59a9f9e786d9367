"""Which packets are missing, when to ask for them again, and when to stop."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

MAX_MISSING = 512
"""A larger hole is not repaired packet by packet: a keyframe is cheaper."""
MAX_TRIES = 20
MAX_SUSPICIONS = 3
"""Tries for a packet that may never have been sent."""
MAX_AGE = 1.5
"""Seconds after which a packet is of no use to anybody watching live."""
REPEAT = 0.025
"""Seconds from a request to its twin, which covers the loss of the first. A sender that got both answers
once: none repeats a packet within a round trip."""
_MARGIN = 0.01
"""Seconds granted above the round trip before the next pair."""
_RTT_SAMPLES = 16
_RTT_TRUST = 3
_RTT_GUESS = 0.06
_RTT_RANGE = (0.02, 0.5)


@dataclass(slots=True)
class _Missing:
    since: float
    suspected: bool = False
    """Not known to have been sent: the sender has fallen silent where something was to be expected."""
    first_asked_at: float = 0.0
    asked_at: float = 0.0
    tries: int = 0


class NackTracker:
    """Times are in seconds of one monotonic clock; sequence numbers are extended (never wrap)."""

    def __init__(self) -> None:
        self._missing: dict[int, _Missing] = {}
        self._highest: int | None = None
        self._samples: deque[float] = deque(maxlen=_RTT_SAMPLES)
        self.round_trip = _RTT_GUESS
        """Estimated from how long answers to requests take."""
        self.recovered = 0
        self.given_up = 0

    def __len__(self) -> int:
        return len(self._missing)

    def received(self, sequence: int, now: float, *, again: bool = False) -> bool:
        """Note a packet, `again` where it came on the retransmission stream; True where it opened a hole
        before it."""
        hole = self._missing.pop(sequence, None) if self._missing else None
        if hole is not None:
            self._fill(hole, now, again)
        highest = self._highest
        if highest is None or sequence <= highest:
            self._highest = sequence if highest is None else highest
            return False
        self._highest = sequence
        if sequence == highest + 1:
            return False
        if sequence - highest > MAX_MISSING:
            self.given_up += len(self._missing)
            self._missing.clear()
            return False
        for lost in range(highest + 1, sequence):
            self._suspect_no_more(lost, now)
        self._trim()
        return True

    def suspect_next(self, now: float) -> None:
        """The packet after the newest one is overdue: it may be lost, with nothing behind it to show."""
        if self._highest is not None:
            self._missing.setdefault(self._highest + 1, _Missing(since=now, suspected=True))

    def _suspect_no_more(self, sequence: int, now: float) -> None:
        """It is known now that the packet was sent."""
        hole = self._missing.setdefault(sequence, _Missing(since=now))
        hole.suspected = False

    def _fill(self, hole: _Missing, now: float, again: bool) -> None:
        if hole.tries and (again or not hole.suspected):
            self.recovered += 1
            self._learn(now - hole.first_asked_at)

    def _trim(self) -> None:
        while len(self._missing) > MAX_MISSING:
            del self._missing[next(iter(self._missing))]
            self.given_up += 1

    def _learn(self, sample: float) -> None:
        """Some answers took several requests; the quickest of the last ones took one. A few are needed
        before the first guess is given up for something longer."""
        self._samples.append(sample)
        quickest = min(self._samples)
        if len(self._samples) >= _RTT_TRUST or quickest < self.round_trip:
            low, high = _RTT_RANGE
            self.round_trip = min(max(quickest, low), high)

    def due(self, now: float) -> list[int]:
        """Packets to ask for now, in order; gives up on those that are too old."""
        due: list[int] = []
        for sequence, hole in list(self._missing.items()):
            if self._hopeless(hole, now):
                del self._missing[sequence]
            elif not hole.tries or now - hole.asked_at >= self._pause(hole.tries):
                if not hole.tries:
                    hole.first_asked_at = now
                hole.tries += 1
                hole.asked_at = now
                due.append(sequence)
        return due

    def _hopeless(self, hole: _Missing, now: float) -> bool:
        if hole.suspected:
            return hole.tries >= MAX_SUSPICIONS
        hopeless = hole.tries >= MAX_TRIES or now - hole.since > MAX_AGE
        self.given_up += hopeless
        return hopeless

    def _pause(self, tries: int) -> float:
        """Requests go out in pairs, a pair a round trip."""
        return REPEAT if tries % 2 else max(REPEAT, self.round_trip + _MARGIN - REPEAT)

    def forget_below(self, sequence: int) -> None:
        """Nobody waits for what came before this any more."""
        if self._missing and next(iter(self._missing)) < sequence:
            for lost in [lost for lost in self._missing if lost < sequence]:
                del self._missing[lost]
