"""What a worker process is told on its command line: by the supervisor, or by a person with a debugger.

    python -m media_server.worker --index 0 --control PATH --settings JSON
    python -m analyzers.worker --index 0 --control PATH --listen PATH --settings JSON

`--control` is the Unix socket the web process listens on; `--listen` the one an analysis process listens
on for packets; `--settings` the settings that concern workers, defaults where left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from config.settings import AnalysisSettings, MediaSettings, RecordingSettings, Section, Settings


class WorkerSettings(Section):
    """The part of the settings workers need; no secret is in it."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_json: bool = False
    media: MediaSettings = MediaSettings()
    analysis: AnalysisSettings = AnalysisSettings()
    recording: RecordingSettings = RecordingSettings()

    @classmethod
    def of(cls, settings: Settings) -> WorkerSettings:
        return cls(
            log_level=settings.log_level,
            log_json=settings.log_json,
            media=settings.media,
            analysis=settings.analysis,
            recording=settings.recording,
        )


@dataclass(frozen=True, slots=True)
class WorkerArguments:
    index: int
    control: Path
    listen: Path | None
    settings: WorkerSettings


def parse_arguments(argv: Sequence[str] | None = None) -> WorkerArguments:
    """From a command line (None: this process's own). Exits with a usage line where it is wrong."""
    parser = argparse.ArgumentParser(description="A worker process of Invigil; started by `invigil serve`.")
    parser.add_argument("--index", type=int, required=True)
    parser.add_argument("--control", type=Path, required=True)
    parser.add_argument("--listen", type=Path)
    parser.add_argument("--settings", default="{}")
    given = parser.parse_args(argv)
    return WorkerArguments(
        given.index, given.control, given.listen, WorkerSettings.model_validate_json(given.settings)
    )
