"""How urgently a tile wants a look: open suspicions count in full, past ones fade."""

from __future__ import annotations

from collections.abc import Iterable

from core.incidents import Verdict
from core.kinds import Category
from signaling.messages import IncidentView

HALF_LIFE_S = 120.0
CLEARED = (Verdict.DISMISSED, Verdict.TECHNICAL)


def risk(incidents: Iterable[IncidentView], now: float) -> float:
    """0–1. Each incident takes its share of what the others left; technical states and what a person
    dismissed weigh nothing."""
    calm = 1.0
    for incident in incidents:
        calm *= 1.0 - _share(incident, now)
    return round(1.0 - calm, 3)


def _share(incident: IncidentView, now: float) -> float:
    if incident.category is Category.TECHNICAL or incident.verdict in CLEARED:
        return 0.0
    fading = 1.0
    if incident.ended_at is not None:
        fading = 0.5 ** (max(0.0, now - incident.ended_at) / HALF_LIFE_S)
    # Never quite 1: the next incident must still show.
    return 0.9 * incident.severity.weight * incident.confidence * fading
