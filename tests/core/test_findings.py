"""Values that cannot be are refused when they are born."""

import pytest

from core.findings import Blindness, Box, Measurability, Observation
from core.kinds import Kind


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_scores_outside_their_range_are_refused(score: float) -> None:
    with pytest.raises(ValueError, match="score"):
        Observation(at=0.0, detector="faces", kind=Kind.NO_FACE, score=score)


def test_a_box_inside_out_is_refused() -> None:
    with pytest.raises(ValueError, match="inside out"):
        Box(0.5, 0.1, 0.4, 0.2, "phone")


def test_box_area() -> None:
    assert Box(0.1, 0.2, 0.6, 0.6, "phone").area == pytest.approx(0.2)


def test_measurability_is_ok_only_without_a_reason() -> None:
    assert Measurability().ok
    assert not Measurability(Blindness.TOO_DARK).ok
