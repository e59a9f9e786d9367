from __future__ import annotations

import typer


def fetch_media() -> None:
    """Fetch the pictures and voices of the simulated students, and compose their clips, ahead of time."""
    from rich.console import Console

    from simulation import clips
    from simulation.media import MissingMedia

    made = clips.ensure_all(clips.names(), Console(stderr=True))
    for name, clip in made.items():
        if isinstance(clip, MissingMedia):
            typer.echo(f"{name:10} not here: {clip}")
        else:
            typer.echo(f"{name:10} {clip.folder}")
