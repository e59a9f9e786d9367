from __future__ import annotations

from typing import Annotated

import typer

Students = Annotated[int, typer.Option("--students", "-n", min=1, max=500, help="How many.")]
Clips = Annotated[
    list[str] | None,
    typer.Option("--clip", help="Clip or media file they play; given again, in turn. Default: normal."),
]
Url = Annotated[
    str, typer.Option(help="The server. Its data directory (or database and key) must be this one's.")
]
Watchers = Annotated[int, typer.Option(min=0, max=50, help="Proctors who watch the wall.")]
Seconds = Annotated[float | None, typer.Option(min=1, help="End after so long. Default: at Ctrl-C.")]


def simulate(
    students: Students = 5, clip: Clips = None, url: Url = "", watchers: Watchers = 0, seconds: Seconds = None
) -> None:
    """Load a running server with real WebRTC clients, in an exam of their own."""
    from rich.console import Console

    from config import logging, settings
    from web.demonstration.load import simulate as play
    from web.serving import run

    loaded = settings.load()
    logging.configure("warning", as_json=loaded.log_json)
    run(
        play(
            loaded,
            url=url or loaded.base_url,
            students=students,
            clip_names=clip or ["normal"],
            watchers=watchers,
            seconds=seconds,
            console=Console(),
        )
    )
