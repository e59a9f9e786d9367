"""Which processes serve an attempt, table by table."""

from __future__ import annotations

import pytest

from media_server.placement import Placements

Table = list[tuple[str, list[int], list[int], tuple[int, int]]]


@pytest.mark.parametrize("table", [
    pytest.param([("a", [0, 1], [0], (0, 0)), ("b", [0, 1], [0], (1, 0)), ("c", [0, 1], [0], (0, 0)),
                  ("a", [0, 1], [0], (0, 0))], id="least loaded, and the same again"),
    pytest.param([("a", [0, 1], [0], (0, 0)), ("a", [1], [0], (1, 0)), ("a", [0, 1], [0], (1, 0))],
                 id="moves when its process is down, and stays there"),
    pytest.param([("a", [0, 1], [0], (0, 0)), ("a", [], [], (0, 0))], id="stays where none is up"),
])  # fmt: skip
def test_placement(table: Table) -> None:
    placements = Placements(2, 1)
    for attempt, media, analysis, expected in table:
        assert placements.place(attempt, media, analysis) == expected


def test_what_is_over_counts_no_more() -> None:
    placements = Placements(2, 1)
    for attempt in ("a", "b"):
        placements.place(attempt, [0, 1], [0])
    placements.forget("a")
    assert placements.place("c", [0, 1], [0]).media == 0
    assert placements.place("d", [0, 1], [0]).media in (0, 1)
