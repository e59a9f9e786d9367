"""Names that `ps`, `top` and the benchmarks see, where the system keeps them (Linux: 15 characters)."""

from __future__ import annotations

import contextlib
from pathlib import Path

SPARE = "invigil-spare"
"""A worker that waits to be needed."""
MEDIA = "invigil-media"
ANALYSIS = "invigil-analys"
RECORDER_THREAD = "recorder"


def name_process(name: str) -> None:
    """Name this process: call it on the main thread."""
    _write("/proc/self/comm", name)


def name_thread(name: str) -> None:
    """Name the thread that calls it, within its process."""
    _write("/proc/thread-self/comm", name)


def _write(path: str, name: str) -> None:
    with contextlib.suppress(OSError):
        Path(path).write_text(name[:15])
