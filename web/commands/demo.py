from __future__ import annotations

from typing import Annotated

import typer

Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Default: 8080. 0: any free one.", show_default=False)
]
Students = Annotated[int, typer.Option(min=0, max=5, help="Simulated students.")]


def demo(port: Port = None, students: Students = 5) -> None:
    """One exam in progress with five simulated students, and a link for every role to look around."""
    from rich.console import Console

    from config import logging, settings
    from web.commands.serve import overrides
    from web.demonstration.run import check_loopback
    from web.demonstration.run import demo as show
    from web.serving import check_disk, run

    loaded = settings.load(**overrides(None, port, None, None))
    if loaded.log_level == "info":  # The links must not scroll away.
        loaded = loaded.model_copy(update={"log_level": "warning"})
    logging.configure(loaded.log_level, as_json=loaded.log_json)
    check_loopback(loaded)
    check_disk(loaded)
    run(show(loaded, console=Console(), simulated=students))
