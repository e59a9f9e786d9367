"""The page says what was found, and says so where an aim was missed."""

import msgspec

from benchmarks import report
from benchmarks.machine import describe
from benchmarks.results import CoreShare, PlainShare, Result, Row, percentiles
from benchmarks.run import headline


def row(students: int, total: float, busy: float, at_limit: bool = False) -> Row:
    return Row(
        students=students,
        core_percent_per_student=CoreShare(1.0, 2.0, 0.1, 0.2, 0.3, total),
        forward_ms=percentiles([1.0, 2.0, 3.0]),
        alert_ms=percentiles([2000.0]),
        signal_ms=percentiles([]),
        onset_to_alert_ms=percentiles([3000.0]),
        tile_kbps=45.0,
        rss_mb_per_student=20.0,
        machine_busy_percent=busy,
        analysis_at_limit=at_limit,
    )


def result(rows: list[Row]) -> Result:
    best = headline(rows)
    return Result(
        machine=describe(), students=best.students, core_percent_per_student=best.core_percent_per_student,
        plain=PlainShare(90.0, 1, 7.5, 12.0), ratio=10.0, forward_ms=best.forward_ms,
        alert_ms=best.alert_ms, tile_kbps=best.tile_kbps, rss_mb_per_student=20.0, rows=rows,
    )  # fmt: skip


def test_the_headline_is_the_largest_row_with_air_to_breathe() -> None:
    rows = [row(4, 9.0, 40.0), row(8, 8.0, 70.0), row(16, 7.0, 100.0)]
    assert headline(rows).students == 8
    assert headline(rows[2:]).students == 16


def test_a_row_in_which_looks_were_shed_is_no_headline_and_is_marked() -> None:
    rows = [row(4, 12.0, 40.0), row(8, 8.0, 70.0, at_limit=True)]
    assert headline(rows).students == 4
    page = report.markdown(result(rows), "invigil bench")
    assert "70 % †" in page
    assert "**not met**" in page.split("core percent a student, all in")[1].splitlines()[0]


def test_an_aim_that_was_missed_is_said() -> None:
    page = report.markdown(result([row(4, 9.0, 40.0)]), "invigil bench")
    assert "| core percent a student, all in | 10 | 9 | met |" in page
    assert "| alert on the screen p95, ms | 1500 | 2000 | **not met** |" in page
    assert "manages 50% of the frames" in page
    assert "| none |" in page


def test_the_json_has_what_is_promised() -> None:
    found = msgspec.json.decode(msgspec.json.encode(result([row(4, 9.0, 40.0)])))
    promised = {
        "machine", "students", "core_percent_per_student", "plain", "ratio",
        "forward_ms", "alert_ms", "tile_kbps", "rss_mb_per_student",
    }  # fmt: skip
    assert promised <= found.keys()
    assert {"media", "analysis", "recording", "watcher", "total"} <= found["core_percent_per_student"].keys()
    assert {"p50", "p95"} <= found["forward_ms"].keys()


def test_percentiles_of_nothing_are_nothing() -> None:
    assert percentiles([]).p95 is None
    assert percentiles([5.0]).p50 == 5.0
