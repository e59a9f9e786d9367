"""Which processes serve an attempt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple


class Placement(NamedTuple):
    media: int
    analysis: int


class Placements:
    """Least loaded first; then the same every time, as long as the process lives or none else does."""

    def __init__(self, media: int, analysis: int) -> None:
        self._sizes = Placement(media, analysis)
        self._placed: dict[str, Placement] = {}

    def place(self, attempt_id: str, media_up: Collection[int], analysis_up: Collection[int]) -> Placement:
        known = self._placed.get(attempt_id)
        self._placed[attempt_id] = found = Placement(
            self._choose(known and known.media, media_up, self._sizes.media, 0),
            self._choose(known and known.analysis, analysis_up, self._sizes.analysis, 1),
        )
        return found

    def forget(self, attempt_id: str) -> None:
        """The attempt is over; its place counts no more."""
        self._placed.pop(attempt_id, None)

    def _choose(self, known: int | None, up: Collection[int], size: int, part: int) -> int:
        if known is not None and (known in up or not up):
            return known
        load = Counter(placement[part] for placement in self._placed.values())
        return min(up or range(size), key=lambda index: (load[index], index))
