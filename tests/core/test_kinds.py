"""Each kind has a class and a weight; technical matters never interrupt as accusations."""

import pytest

from core.kinds import Category, Kind, Severity, category_of, default_severity


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_classed_and_weighed(kind: Kind) -> None:
    assert category_of(kind) in Category
    assert default_severity(kind) in Severity
    assert kind.value == kind.name.lower()


def test_severity_weights_grow() -> None:
    weights = [severity.weight for severity in (Severity.INFO, Severity.LOW, Severity.MEDIUM, Severity.HIGH)]
    assert weights == sorted(set(weights))
    assert weights[0] == 0.0
    assert weights[-1] == 1.0


@pytest.mark.parametrize("kind", [Kind.DARK, Kind.FROZEN, Kind.DISCONNECTED, Kind.ANALYSIS_GAP, Kind.BLURRED])
def test_what_the_plumbing_does_is_never_suspicion(kind: Kind) -> None:
    assert category_of(kind) is Category.TECHNICAL
