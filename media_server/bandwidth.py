"""How much a sender may send (REMB), for a few operations a packet.

Chromium reacts to loss by itself, from our receiver reports. What it cannot see is a queue that
grows before anything is lost; that is told here from packets that take longer and longer. Only the
least delayed packet of a window counts, so bursts and jitter are no congestion.
"""

from __future__ import annotations

START = 1_500_000
"""bit/s told at first: Chromium takes it up at once while nothing is lost, so a picture at full
quality is there within a second."""
FLOOR = 80_000
CEILING = 4_000_000
WINDOW = 0.25
"""Seconds between judgements."""
MAX_QUEUE = 0.08
"""Seconds of standing queue taken for congestion."""
CONVINCED = 2
"""Windows in a row it must stand for: a machine that is busy for a moment is no queue."""
PATIENCE = 0.75
"""Seconds between two reductions: what the sender makes of one must show first."""
_BACK_OFF = 0.85
_GROWTH = 1.05
_FORGET = 0.002
"""Seconds the base delay creeps up a window, so that a changed path or a drifting clock is forgotten."""
_HALF = 1 << 23
_TICKS = 262_144.0


class BandwidthEstimator:
    """One peer; all its streams share the path."""

    def __init__(self) -> None:
        self.estimate = START
        self._reference: int | None = None
        self._base: float | None = None
        self._least: float | None = None
        self._bytes = 0
        self._since: float | None = None
        self._last_queue = 0.0
        self._reduced_at = 0.0
        self._full_windows = 0
        self.rate = 0.0
        """bit/s received, over the last window."""

    def add_bytes(self, size: int) -> None:
        self._bytes += size

    def add_delay(self, abs_send_time: int, arrived_at: float) -> None:
        """`abs_send_time`: 24 bits, 6.18 fixed point seconds of the sender's clock."""
        ticks = int(arrived_at * _TICKS) - abs_send_time
        if self._reference is None:
            self._reference = ticks
        delay = ((ticks - self._reference + _HALF & 0xFFFFFF) - _HALF) / _TICKS
        if self._least is None or delay < self._least:
            self._least = delay

    def update(self, now: float) -> bool:
        """Judge the window that ends now; True where the sender should hear at once that it is less."""
        if self._since is None:
            self._since = now
            return False
        elapsed = now - self._since
        if elapsed < WINDOW or self._least is None:
            return False
        self.rate = 8 * self._bytes / elapsed
        queue = self._queue(self._least)
        self._since, self._bytes, self._least = now, 0, None
        draining = queue < self._last_queue
        self._last_queue = queue
        self._full_windows = self._full_windows + 1 if queue > MAX_QUEUE else 0
        if self._full_windows >= CONVINCED and not draining and now - self._reduced_at >= PATIENCE:
            self._reduced_at = now
            lower = max(FLOOR, int(min(self.rate, self.estimate) * _BACK_OFF))
            told = lower < self.estimate * 0.97
            self.estimate = lower
            return told
        if queue <= MAX_QUEUE:
            grown = min(self.estimate * _GROWTH, max(self.estimate, 1.5 * self.rate + 200_000))
            self.estimate = int(min(CEILING, grown))
        return False

    def _queue(self, least: float) -> float:
        """Seconds of delay above the least the path has shown."""
        self._base = least if self._base is None else min(least, self._base + _FORGET)
        return least - self._base
