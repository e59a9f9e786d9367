"""The whole bench: rows of ours for growing numbers of students, and the plain pipeline, in one run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rich.console import Console

from benchmarks.machine import describe
from benchmarks.plain_trial import run_plain
from benchmarks.quiet import measure_quiet
from benchmarks.results import Result, Row
from benchmarks.trial import run_trial
from simulation import clips

STUDENTS = (4, 8, 12, 16)
SECONDS = 40.0
PLAIN_STUDENTS = 1
"""It fills its cores with one already."""
FULL_PERCENT = 90.0
"""A machine busier than this measures itself."""


async def run_bench(students: Sequence[int], seconds: float, quiet_hours: float, console: Console) -> Result:
    """Raises MissingMedia, TimeoutError."""
    names = [name for name in clips.DEMO if name in clips.obtainable()]
    await _compose(names, console)
    with console.status("plain pipeline") as status:
        plain = await run_plain(PLAIN_STUDENTS, seconds, names)
        rows = []
        for number in students:
            status.update(f"{number} students, everything on")
            rows.append(await run_trial(number, seconds, names))
        quiet = None
        if quiet_hours:
            quiet = await asyncio.to_thread(measure_quiet, quiet_hours, status.update)
    best = headline(rows)
    total = best.core_percent_per_student.total
    return Result(
        machine=describe(),
        students=best.students,
        core_percent_per_student=best.core_percent_per_student,
        plain=plain,
        ratio=round(plain.core_percent_per_student / total, 1),
        forward_ms=best.forward_ms,
        alert_ms=best.alert_ms,
        tile_kbps=best.tile_kbps,
        rss_mb_per_student=best.rss_mb_per_student,
        rows=rows,
        quiet=quiet,
    )


async def _compose(names: list[str], console: Console) -> None:
    await asyncio.to_thread(clips.ensure_all, names, console)


def headline(rows: Sequence[Row]) -> Row:
    """The largest row with every detector at its full rate on a machine that was not full; else the
    smallest."""
    whole = [row for row in rows if row.machine_busy_percent < FULL_PERCENT and not row.analysis_at_limit]
    if whole:
        return max(whole, key=lambda row: row.students)
    return min(rows, key=lambda row: row.students)
