"""An attempt's clock as last written down, and what is left of it now."""

from __future__ import annotations

from dataclasses import dataclass

from core.attempts import AttemptStatus


@dataclass(frozen=True, slots=True)
class ClockReading:
    """`left_s` seconds were left at `as_of` (UNIX); from then on they run where the attempt is running."""

    left_s: float
    as_of: float

    def left(self, status: AttemptStatus, now: float) -> float:
        if status is not AttemptStatus.RUNNING:
            return self.left_s
        return max(0.0, self.left_s - max(0.0, now - self.as_of))
