"""`invigil bench`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

Students = Annotated[
    str, typer.Option(help="How many students, separated by commas: a row each.", metavar="N,N,…")
]
Seconds = Annotated[float, typer.Option(min=5, help="How long each row is measured.")]
QuietHours = Annotated[
    float, typer.Option(min=0, help="Hours of clean footage to look at for false alarms; 0: none.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for machines.")]
Write = Annotated[Path | None, typer.Option(help="Write a page of Markdown here.")]


def bench(
    students: Students = "4,8,12,16",
    seconds: Seconds = 60.0,
    quiet_hours: QuietHours = 1.0,
    json: Json = False,
    write: Write = None,
) -> None:
    """Measure what a student costs, beside the plain way of doing the same."""
    import msgspec
    import uvloop
    from rich.console import Console

    from benchmarks import report
    from benchmarks.run import run_bench
    from config import logging

    logging.configure("warning", as_json=False)
    counts = [int(number) for number in students.split(",")]
    result = uvloop.run(run_bench(counts, seconds, quiet_hours, Console(stderr=True)))
    if json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
    else:
        Console(width=160).print(report.table(result))
    if write is not None:
        options = f"--students {students} --seconds {seconds:g} --quiet-hours {quiet_hours:g}"
        report.write(result, write, f"invigil bench {options}")
