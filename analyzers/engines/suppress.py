"""One thing, one box: keeps the strongest of those that overlap and have the same label."""

from __future__ import annotations

from collections.abc import Iterable

from analyzers.engines.base import Thing


def strongest(things: Iterable[Thing], overlap: float) -> list[Thing]:
    kept: list[Thing] = []
    for thing in sorted(things, key=lambda thing: -thing.score):
        if all(other.label != thing.label or other.box.iou(thing.box) < overlap for other in kept):
            kept.append(thing)
    return kept
