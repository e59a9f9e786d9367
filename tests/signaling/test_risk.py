from __future__ import annotations

import pytest

from core.incidents import Verdict
from core.kinds import Category, Kind, Severity
from signaling.messages import IncidentView
from signaling.risk import HALF_LIFE_S, risk


def incident(
    kind: Kind = Kind.PHONE,
    severity: Severity = Severity.HIGH,
    ended_at: float | None = None,
    category: Category = Category.SUSPICION,
    verdict: Verdict | None = None,
    confidence: float = 1.0,
) -> IncidentView:
    return IncidentView(
        id="i",
        attempt="a",
        kind=kind,
        severity=severity,
        category=category,
        started_at=0.0,
        ended_at=ended_at,
        confidence=confidence,
        verdict=verdict,
    )


def test_calm_is_zero() -> None:
    assert risk([], 100.0) == 0.0


def test_it_fades_by_half_every_half_life_once_it_is_over() -> None:
    now = risk([incident(ended_at=100.0)], 100.0)
    assert now == pytest.approx(0.9)
    assert risk([incident(ended_at=100.0)], 100.0 + HALF_LIFE_S) == pytest.approx(now / 2, abs=0.001)
    assert risk([incident()], 10_000.0) == pytest.approx(0.9), "what goes on does not fade"


def test_more_incidents_weigh_more_and_never_reach_certainty() -> None:
    few, many = risk([incident()], 0.0), risk([incident()] * 5, 0.0)
    assert few < many <= 1.0


def test_heavier_and_surer_weigh_more() -> None:
    assert risk([incident(severity=Severity.LOW)], 0.0) < risk([incident(severity=Severity.HIGH)], 0.0)
    assert risk([incident(confidence=0.5)], 0.0) < risk([incident(confidence=0.9)], 0.0)


@pytest.mark.parametrize("verdict", [Verdict.DISMISSED, Verdict.TECHNICAL])
def test_what_a_person_cleared_weighs_nothing(verdict: Verdict) -> None:
    assert risk([incident(verdict=verdict)], 0.0) == 0.0
    assert risk([incident(verdict=Verdict.CONFIRMED)], 0.0) > 0.0


def test_technical_states_weigh_nothing() -> None:
    assert risk([incident(kind=Kind.FROZEN, category=Category.TECHNICAL)], 0.0) == 0.0
