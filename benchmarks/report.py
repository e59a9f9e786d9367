"""What a bench run found, as a table for the terminal and as `docs/benchmarks.md`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from benchmarks.quiet import Quiet
from benchmarks.results import Percentiles, Result, Row

COLUMNS = (
    "students", "media", "analysis", "recording", "watcher", "web", "total",
    "forward p50/p95 ms", "alert p50/p95 ms", "signal p50/p95 ms", "onset p50/p95 s",
    "tile kbit/s", "MB", "machine busy",
)  # fmt: skip

AIMS = (("core percent a student, all in", 10.0), ("forwarding p95, ms", 60.0),
        ("alert on the screen p95, ms", 1500.0), ("tile, kbit/s", 60.0))  # fmt: skip


def table(result: Result) -> Table:
    shown = Table(*COLUMNS, title="percent of a core a student", box=None)
    for row in result.rows:
        shown.add_row(*_cells(row))
    shown.caption = _sentence(result)
    return shown


def write(result: Result, path: Path, command: str) -> None:
    path.write_text(markdown(result, command))


def markdown(result: Result, command: str) -> str:
    head = "| " + " | ".join(COLUMNS) + " |\n|" + " ---: |" * len(COLUMNS)
    rows = "\n".join("| " + " | ".join(_cells(row)) + " |" for row in result.rows)
    aims = "\n".join(
        f"| {name} | {aim:g} | {_shown(found)} | {_judged(found, aim)} |"
        for (name, aim), found in zip(AIMS, _found(result), strict=True)
    )
    plain = result.plain
    return f"""# Benchmarks

Written by `{command}` on {datetime.now(UTC):%Y-%m-%d}.
The machine is shared and noisy, and the simulated clients run on it too: take the ratios, not the
milliseconds.

{result.machine.sentence()}.

## Everything on

Real server processes, real WebRTC clients over loopback that play clips of real faces: main track
640x480@15, low track 160x120@5, Opus; every detector, recording, one wall watcher with all tiles. Each
student gives cause for an alert about once a minute, far more than an exam has. Percent of **one core** for
each student. *web* is pages, sockets and database.

{head}
{rows}

*forward*: from a student's socket to the watcher's, the same bytes; includes both clients' scheduling.
*alert*: from the capture of the picture or sound that completed a finding to a proctor's socket, on disk in
between; *signal*: the same for what a browser says. *onset*: from the first evidence, with the dwell time.
*MB*: what all processes of the server grew by, a student. **†**: the analysis process had its core full and
shed looks in its fixed order (gaze first; identity and objects last), so such a row is cheaper a student than
full rates are. The judgement below takes the largest row without it.

## Against the aims ({result.students} students)

| aim | at most | found | |
| --- | ---: | ---: | --- |
{aims}

## Beside the plain pipeline

Stock aiortc receives and decodes, the same detectors look at every frame it manages, the annotated frame
is encoded again for each watcher, `MediaRecorder` records; same clips, same run.

| | core percent a student | looks a second a student |
| --- | ---: | ---: |
| Invigil, {result.students} students | {result.core_percent_per_student.total:g} | by schedule |
| plain, {plain.students} student | {plain.core_percent_per_student:g} | {plain.frames_per_second:g} of 15 |

The plain pipeline costs **{result.ratio:g} times** as much a student (wanted: at least 10) and manages \
{plain.frames_per_second / 15:.0%} of the frames; looking at all of them would cost it \
{plain.core_percent_per_look * 15:.0f} % of a core a student.
{_quiet_section(result.quiet)}"""


def _quiet_section(quiet: Quiet | None) -> str:
    if quiet is None:
        return ""
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(quiet.kinds.items())) or "none"
    return f"""
## False alarms on clean footage

{quiet.student_hours:g} student-hours of {quiet.people} people on which nothing happens (the calm \
beginning of each clip, repeated): **{quiet.alerts_per_student_hour:g} alerts a student-hour** (at most 2 \
are allowed), and {quiet.detections} detections that interrupt nobody. Kinds: {kinds}. The set is small and \
repeats itself: it shows that detectors keep still, not that they are right.
"""


def _cells(row: Row) -> list[str]:
    share = row.core_percent_per_student
    parts = (share.media, share.analysis, share.recording, share.watcher, share.web, share.total)
    return [
        str(row.students),
        *(f"{part:.2f}" for part in parts),
        _pair(row.forward_ms),
        _pair(row.alert_ms),
        _pair(row.signal_ms),
        _pair(row.onset_to_alert_ms, 1000, ".1f"),
        f"{row.tile_kbps:.0f}",
        f"{row.rss_mb_per_student:.0f}",
        f"{row.machine_busy_percent:.0f} %" + (" †" if row.analysis_at_limit else ""),
    ]


def _pair(found: Percentiles, unit: float = 1, form: str = ".0f") -> str:
    if found.p50 is None or found.p95 is None:
        return "none"
    return f"{found.p50 / unit:{form}} / {found.p95 / unit:{form}}"


def _found(result: Result) -> tuple[float | None, ...]:
    total = result.core_percent_per_student.total
    return (total, result.forward_ms.p95, result.alert_ms.p95, result.tile_kbps)


def _judged(found: float | None, aim: float) -> str:
    return "met" if found is not None and found <= aim else "**not met**"


def _shown(found: float | None) -> str:
    return "none" if found is None else f"{found:g}"


def _sentence(result: Result) -> str:
    return (
        f"{result.machine.sentence()}. The plain pipeline: {result.plain.core_percent_per_student:g} % of a "
        f"core a student, {result.ratio:g} times ours."
    )
