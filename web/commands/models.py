from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from analyzers.models import ModelReport

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def models(json: Json = False) -> None:
    """Which weights there are: file, source, licence, checksum, and how fast they run here."""
    from json import dumps

    from rich.console import Console

    from analyzers.models import ModelStore
    from config import settings

    store = ModelStore(settings.load().analysis.models_dir)
    with Console(stderr=True).status("loading and timing"):
        reports = store.describe(measure=True)
    if json:
        typer.echo(dumps([_as_json(report) for report in reports]))
    else:
        _print(reports)


def _as_json(report: ModelReport) -> dict[str, object]:
    weights = report.weights
    return {
        "name": weights.name,
        "file": str(report.file) if report.file else None,
        "source": weights.source,
        "licence": weights.licence,
        "sha256": weights.sha256,
        "verified": report.verified,
        "milliseconds": report.milliseconds,
    }


def _print(reports: list[ModelReport]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "here", "from", "licence", "sha256", "checksum", "ms a run")
    for report in reports:
        weights = report.weights
        table.add_row(
            weights.name,
            "yes" if report.file else "no",
            weights.source,
            weights.licence,
            weights.sha256[:12],
            {True: "right", False: "wrong", None: "—"}[report.verified],
            "—" if report.milliseconds is None else f"{report.milliseconds:.1f}",
        )
    Console().print(table)
