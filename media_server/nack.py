"""Which packets are missing, when to ask for them again, and when to stop."""

from __future__ import annotations

from dataclasses import dataclass

MAX_MISSING = 512
"""A larger hole is not repaired packet by packet: a keyframe is cheaper."""
MAX_TRIES = 12
MAX_AGE = 1.5
"""Seconds after which a packet is of no use to anybody watching live."""
FIRST_REPEAT = 0.025
"""Seconds to the second request: it covers a request that was itself lost. A sender that got both
answers once, as it does not repeat a packet within a round trip."""
_RTT_GAIN = 0.2
_RTT_RANGE = (0.02, 0.5)


@dataclass(slots=True)
class _Missing:
    since: float
    asked_at: float = 0.0
    tries: int = 0


class NackTracker:
    """Times are in seconds of one monotonic clock; sequence numbers are extended (never wrap)."""

    def __init__(self) -> None:
        self._missing: dict[int, _Missing] = {}
        self._highest: int | None = None
        self.round_trip = 0.1
        """Estimated from how long answers to requests take."""
        self.recovered = 0
        self.given_up = 0

    def __len__(self) -> int:
        return len(self._missing)

    def received(self, sequence: int, now: float) -> bool:
        """Note a packet, original or retransmitted; True where it opened a hole before it."""
        highest = self._highest
        if highest is None:
            self._highest = sequence
            return False
        if sequence > highest:
            self._highest = sequence
            if sequence == highest + 1:
                return False
            if sequence - highest > MAX_MISSING:
                self.given_up += len(self._missing)
                self._missing.clear()
                return False
            for lost in range(highest + 1, sequence):
                self._missing[lost] = _Missing(since=now)
            self._trim()
            return True
        hole = self._missing.pop(sequence, None)
        if hole is not None:
            self.recovered += 1
            if hole.tries == 1:
                self._learn(now - hole.asked_at)
        return False

    def _trim(self) -> None:
        while len(self._missing) > MAX_MISSING:
            del self._missing[next(iter(self._missing))]
            self.given_up += 1

    def _learn(self, sample: float) -> None:
        low, high = _RTT_RANGE
        self.round_trip += _RTT_GAIN * (min(max(sample, low), high) - self.round_trip)

    def due(self, now: float) -> list[int]:
        """Packets to ask for now, in order; gives up on those that are too old."""
        due: list[int] = []
        for sequence, hole in list(self._missing.items()):
            if hole.tries >= MAX_TRIES or now - hole.since > MAX_AGE:
                del self._missing[sequence]
                self.given_up += 1
            elif not hole.tries or now - hole.asked_at >= self._pause(hole.tries):
                hole.tries += 1
                hole.asked_at = now
                due.append(sequence)
        return due

    def _pause(self, tries: int) -> float:
        return FIRST_REPEAT if tries == 1 else self.round_trip + FIRST_REPEAT

    def forget_below(self, sequence: int) -> None:
        """Nobody waits for what came before this any more."""
        if self._missing and next(iter(self._missing)) < sequence:
            for lost in [lost for lost in self._missing if lost < sequence]:
                del self._missing[lost]
