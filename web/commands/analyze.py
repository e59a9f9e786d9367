from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from analyzers.offline import Report

File = Annotated[Path, typer.Argument(help="Video or sound, anything ffmpeg reads.")]
Enrolled = Annotated[Path | None, typer.Option(help="Picture of the person who should be in it.")]
Render = Annotated[Path | None, typer.Option(help="Write the annotated video here (.webm or .mp4).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def analyze(file: File, enrolled: Enrolled = None, render: Render = None, json: Json = False) -> None:
    """Look at a media file with the very detectors of the live system; print the incidents."""
    from json import dumps

    from rich.console import Console
    from rich.progress import Progress

    from analyzers.offline import analyze as look
    from analyzers.perception import Perception
    from config import settings
    from core.errors import BadSettings

    for given in (file, enrolled):
        if given is not None and not given.is_file():
            raise BadSettings(detail=f"There is no file {given}.")
    perception = Perception(settings.load().analysis)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"looking at {file.name}", total=None)
        report = look(
            file,
            enrolled,
            render,
            lambda done, total: progress.update(bar, completed=done, total=total or None),
            perception,
        )
    if json:
        typer.echo(dumps(report.to_json()))
    else:
        _print(report)


def _print(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(f"{report.seconds:.1f} s, {report.frames} pictures")
    if not report.incidents:
        console.print("Nothing a proctor would have been told.")
        return
    table = Table("from", "to", "what", "severity", "confidence")
    for one in report.incidents:
        table.add_row(_clock(one.start_s), _clock(one.end_s), one.kind, one.severity, f"{one.confidence:.2f}")
    console.print(table)


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"
