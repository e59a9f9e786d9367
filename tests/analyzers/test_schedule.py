"""Virtual clocks: nobody sleeps, nothing is looked at."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from analyzers.schedule import SHED_LEVELS, FairShare, LoadShedder, StudentSchedule, Tempo

FPS = 15
RATES = {"faces": 3.0, "gaze": 3.0, "objects": 1.0, "identity": 0.05, "scene": 2.0}


def looks(schedule: StudentSchedule, start: float, seconds: float) -> Counter[str]:
    """How often each detector looks at a 15 fps stream."""
    counted: Counter[str] = Counter()
    for n in range(round(seconds * FPS)):
        at = start + n / FPS
        for name in schedule.due(at):
            schedule.looked(name, at)
            counted[name] += 1
    return counted


def test_each_detector_gets_its_rate() -> None:
    counted = looks(StudentSchedule(RATES), 0.0, 60.0)
    assert counted["identity"] == 3
    for name in ("faces", "gaze", "objects", "scene"):
        assert counted[name] == pytest.approx(60 * RATES[name], rel=0.15), name


def test_everything_looks_at_the_first_picture_in_the_order_named() -> None:
    assert StudentSchedule(RATES).due(100.0) == tuple(RATES)


def test_detectors_of_one_rate_share_pictures() -> None:
    schedule = StudentSchedule(RATES)
    for n in range(150):
        due = set(schedule.due(n / FPS))
        assert ("faces" in due) == ("gaze" in due)
        for name in due:
            schedule.looked(name, n / FPS)


def test_those_out_of_step_come_together_again() -> None:
    schedule = StudentSchedule(RATES)
    schedule.shed({"gaze": 0.5})
    looks(schedule, 0.0, 3.2)
    schedule.shed({})
    looks(schedule, 3.2, 1.0)
    counted = Counter[str]()
    for n in range(150):
        at = 4.2 + n / FPS
        due = set(schedule.due(at))
        assert ("faces" in due) == ("gaze" in due)
        for name in due:
            schedule.looked(name, at)
            counted[name] += 1
    for name in ("faces", "gaze", "scene"):
        assert counted[name] == pytest.approx(10 * RATES[name], rel=0.15), name


def test_suspicion_bursts_and_calms_down() -> None:
    schedule = StudentSchedule(RATES, Tempo(burst={"objects": 3.0}, burst_s=4.0))
    looks(schedule, 0.0, 10.0)
    schedule.suspect({"objects"}, 10.0)
    burst = looks(schedule, 10.0, 4.0)
    assert burst["objects"] == pytest.approx(12, abs=1)
    assert burst["faces"] == pytest.approx(12, abs=2)
    assert looks(schedule, 14.0, 10.0)["objects"] == pytest.approx(10, abs=1)


def test_it_rests_when_nothing_moves_and_wakes_at_once() -> None:
    schedule = StudentSchedule(RATES, Tempo(rest_after_s=10.0))
    schedule.moved(0.1, 0.0)
    assert looks(schedule, 0.0, 10.0)["faces"] == pytest.approx(30, abs=4)
    assert looks(schedule, 10.0, 10.0)["faces"] == pytest.approx(15, abs=2)
    schedule.moved(5.0, 20.0)
    assert looks(schedule, 20.0, 10.0)["faces"] == pytest.approx(30, abs=4)


def test_suspicion_is_stronger_than_stillness() -> None:
    schedule = StudentSchedule(RATES)
    schedule.moved(0.0, 0.0)
    schedule.suspect({"objects"}, 30.0)
    assert schedule.rate("objects", 31.0) == 3.0
    assert schedule.rate("faces", 31.0) == 1.5


def test_shedding_stretches_and_switches_off() -> None:
    schedule = StudentSchedule(RATES)
    schedule.shed({"faces": 0.5, "gaze": 0.0})
    counted = looks(schedule, 0.0, 20.0)
    assert counted["faces"] == pytest.approx(30, abs=3)
    assert counted["gaze"] == 0
    assert schedule.overloaded == {"gaze"}


def test_suspicion_is_followed_up_at_full_rate_unless_switched_off() -> None:
    schedule = StudentSchedule(RATES)
    schedule.suspect({"objects", "gaze"}, 0.0)
    schedule.shed({"objects": 0.33, "gaze": 0.0})
    assert schedule.rate("objects", 1.0) == 3.0
    assert schedule.rate("gaze", 1.0) == 0.0
    assert schedule.rate("objects", 10.0) == pytest.approx(0.33)


def test_after_a_break_everything_is_due() -> None:
    schedule = StudentSchedule(RATES)
    looks(schedule, 0.0, 1.0)
    schedule.forget()
    assert schedule.due(1.0) == tuple(RATES)


def test_unknown_detectors_may_be_suspected() -> None:
    StudentSchedule(RATES).suspect({"browser"}, 0.0)


def serve(costs: dict[str, float], rounds: int, fair: FairShare[str] | None = None) -> dict[str, float]:
    """Everybody always wants work; the seconds each has had."""
    fair = fair or FairShare[str]()
    had = dict.fromkeys(costs, 0.0)
    for _ in range(rounds):
        chosen = fair.pick(costs)
        assert chosen is not None
        fair.charge(chosen, costs[chosen])
        had[chosen] += costs[chosen]
    return had


def test_shares_are_equal_in_time_not_in_turns() -> None:
    had = serve({"dear": 0.1, "cheap": 0.01, "middling": 0.03}, 3000)
    assert max(had.values()) - min(had.values()) <= 0.2


def test_nobody_starves_among_sixteen() -> None:
    had = serve({f"s{n}": 0.02 + 0.005 * (n % 5) for n in range(16)}, 1600)
    assert min(had.values()) > 0.8 * max(had.values())


def test_a_newcomer_and_an_idler_save_nothing_up() -> None:
    fair = FairShare[str]()
    serve({"old": 0.05, "older": 0.05}, 1000, fair)
    had = serve({"old": 0.05, "older": 0.05, "new": 0.05}, 30, fair)
    assert had["new"] == pytest.approx(0.5, abs=0.06)


def test_nobody_ready_nobody_picked() -> None:
    assert FairShare[str]().pick([]) is None


def busy(shedder: LoadShedder, share: float, seconds: int, start: float, lag: float = 0.0) -> None:
    for tenth in range(seconds * 10):
        shedder.note(share / 10, lag, start + tenth / 10)


def test_an_easy_process_sheds_nothing() -> None:
    shedder = LoadShedder()
    busy(shedder, 0.5, 60, 0.0)
    assert (shedder.level, shedder.factors) == (0, {})


def test_overload_is_shed_level_by_level_to_the_last() -> None:
    shedder = LoadShedder()
    busy(shedder, 1.0, 3, 0.0)
    assert 0 < shedder.level < len(SHED_LEVELS) - 1
    busy(shedder, 1.0, 60, 3.0)
    assert shedder.level == len(SHED_LEVELS) - 1


def test_old_pictures_are_overload_too() -> None:
    shedder = LoadShedder()
    busy(shedder, 0.3, 3, 0.0, lag=2.0)
    assert shedder.level > 0


def test_between_busy_and_easy_nothing_changes() -> None:
    shedder = LoadShedder()
    busy(shedder, 1.0, 3, 0.0)
    busy(shedder, 0.75, 1, 3.0)
    level = shedder.level
    assert level > 0
    busy(shedder, 0.75, 60, 4.0)
    assert shedder.level == level


def test_rates_come_back_with_patience() -> None:
    shedder = LoadShedder(patience=5)
    busy(shedder, 1.0, 3, 0.0)
    busy(shedder, 0.2, 1, 3.0)
    level = shedder.level
    assert level > 0
    busy(shedder, 0.2, 3, 4.0)
    assert shedder.level == level
    busy(shedder, 0.2, 60, 7.0)
    assert shedder.level == 0


def test_levels_only_ever_take_away() -> None:
    for before, after in pairwise(SHED_LEVELS):
        assert all(after.get(name, 1.0) <= factor for name, factor in before.items())


def test_identity_and_objects_are_given_up_last() -> None:
    first = {name: next(n for n, level in enumerate(SHED_LEVELS) if name in level) for name in RATES}
    assert first["gaze"] < first["faces"] <= first["objects"] < first["identity"]
