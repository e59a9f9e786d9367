"""The command line, `invigil`. Each command is a file of its own and loads what it needs when it runs."""

from __future__ import annotations

import sys

import typer

from benchmarks.command import bench
from core.errors import ProctorError
from web.commands.analyze import analyze
from web.commands.demo import demo
from web.commands.fetch_media import fetch_media
from web.commands.models import models
from web.commands.serve import serve
from web.commands.simulate import simulate

app = typer.Typer(
    name="invigil",
    help="Proctored exams, live: students' cameras, proctors' wall, recordings to review.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (demo, serve, simulate, analyze, bench, models, fetch_media):
    app.command()(_command)


def main() -> None:
    """What people can put right is one sentence and exit code 2."""
    try:
        app()
    except ProctorError as error:
        sys.stderr.write(f"invigil: {error}\n")
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
