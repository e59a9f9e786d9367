"""The time left, by tables: what was written when, and what remains at a given moment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.attempts import Action
from core.ledger import ClockEntry, ClockKind, clock_kind, time_left, time_used

HOUR = 3600.0


def started(at: float) -> ClockEntry:
    return ClockEntry(at, ClockKind.STARTED)


def paused(at: float) -> ClockEntry:
    return ClockEntry(at, ClockKind.PAUSED)


def resumed(at: float) -> ClockEntry:
    return ClockEntry(at, ClockKind.RESUMED)


def extended(at: float, seconds: float) -> ClockEntry:
    return ClockEntry(at, ClockKind.EXTENDED, seconds)


def credited(at: float, seconds: float) -> ClockEntry:
    return ClockEntry(at, ClockKind.OUTAGE_CREDIT, seconds)


def ended(at: float) -> ClockEntry:
    return ClockEntry(at, ClockKind.ENDED)


@pytest.mark.parametrize(
    ("entries", "now", "left"),
    [
        pytest.param([], 500, HOUR, id="not started: all of it"),
        pytest.param([extended(10, 600)], 500, HOUR + 600, id="extended before the start"),
        pytest.param([started(100)], 100, HOUR, id="at the start"),
        pytest.param([started(100)], 700, HOUR - 600, id="running"),
        pytest.param([started(100)], 100 + HOUR, 0, id="to the second"),
        pytest.param([started(100)], 9999, 0, id="never below zero"),
        pytest.param([started(100), paused(400)], 9999, HOUR - 300, id="a pause stops the clock"),
        pytest.param([started(100), paused(400), resumed(1000)], 1100, HOUR - 400, id="resumed"),
        pytest.param([resumed(1000), paused(400), started(100)], 1100, HOUR - 400, id="in any order"),
        pytest.param(
            [started(0), paused(10), resumed(20), paused(30), resumed(40)], 50, HOUR - 30, id="pausing twice"
        ),
        pytest.param(
            [started(0), paused(10), paused(20), resumed(30)], 40, HOUR - 20, id="paused when paused"
        ),
        pytest.param([started(0), resumed(10)], 40, HOUR - 40, id="resumed when running"),
        pytest.param([started(0), extended(100, 600)], 200, HOUR - 200 + 600, id="extended"),
        pytest.param([started(0), extended(300, 600)], 200, HOUR - 200, id="extended later than now"),
        pytest.param(
            [started(0), extended(100, 600), extended(110, -600)], 200, HOUR - 200, id="extension taken back"
        ),
        pytest.param([started(0), credited(100, 45)], 100, HOUR - 55, id="outage credited"),
        pytest.param([started(0), extended(5000, 600)], 5000, 0, id="extended too late to help"),
        pytest.param([started(0), extended(3700, 600)], 3700, 500, id="extended after running out"),
        pytest.param([started(0), ended(100)], 9999, HOUR - 100, id="ended: the clock stands"),
        pytest.param([started(0), paused(50), ended(100)], 9999, HOUR - 50, id="ended while paused"),
        pytest.param([ended(100)], 9999, HOUR, id="ended before it started"),
    ],
)
def test_time_left(entries: list[ClockEntry], now: float, left: float) -> None:
    assert time_left(entries, now, HOUR) == pytest.approx(left)


moments = st.lists(st.floats(0, 1e6), min_size=1, max_size=9).map(sorted)


@given(moments, st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_clock_never_runs_backwards_nor_faster_than_time(
    times: list[float], one: float, other: float
) -> None:
    kinds = [started] + [paused, resumed] * 4
    entries = [make(at) for make, at in zip(kinds, times, strict=False)]
    earlier, later = sorted((one, other))

    ran = time_used(entries, later) - time_used(entries, earlier)

    assert -1e-6 <= ran <= later - earlier + 1e-6


def test_seconds_are_for_grants_only() -> None:
    with pytest.raises(ValueError, match="takes no seconds"):
        ClockEntry(0, ClockKind.PAUSED, 10)


def test_every_action_on_an_attempt_is_on_the_clock() -> None:
    assert {action: clock_kind(action) for action in Action} == {
        Action.START: ClockKind.STARTED,
        Action.PAUSE: ClockKind.PAUSED,
        Action.RESUME: ClockKind.RESUMED,
        Action.TERMINATE: ClockKind.ENDED,
        Action.COMPLETE: ClockKind.ENDED,
    }
