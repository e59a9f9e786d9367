"""What this process uses, for its WorkerStats."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

_PAGE = os.sysconf("SC_PAGE_SIZE")
_SELF = Path("/proc/self")


class Usage(NamedTuple):
    cpu_seconds: float
    """User and system time since the start, all threads."""
    rss_bytes: int
    threads: int
    descriptors: int


def usage() -> Usage:
    return Usage(
        time.process_time(),
        int((_SELF / "statm").read_text().split()[1]) * _PAGE,
        len(os.listdir(_SELF / "task")),  # noqa: PTH208  (names only: this runs every two seconds)
        len(os.listdir(_SELF / "fd")),  # noqa: PTH208
    )
