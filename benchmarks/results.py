"""What a bench run found, as `--json` prints it, and the percentiles it is made of."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from benchmarks.machine import Machine
from benchmarks.quiet import Quiet


class Percentiles(msgspec.Struct, frozen=True):
    """Milliseconds; None where there was nothing to measure."""

    p50: float | None
    p95: float | None
    samples: int = 0


def percentiles(milliseconds: Sequence[float]) -> Percentiles:
    if not milliseconds:
        return Percentiles(None, None)
    p50, p95 = np.percentile(np.asarray(milliseconds), [50, 95])
    return Percentiles(round(float(p50), 2), round(float(p95), 2), len(milliseconds))


class CoreShare(msgspec.Struct, frozen=True):
    """Percent of one core a student. `web` (pages, sockets, database) is part of the total."""

    media: float
    analysis: float
    recording: float
    watcher: float
    web: float
    total: float


class PlainShare(msgspec.Struct, frozen=True):
    core_percent_per_student: float
    students: int
    frames_per_second: float
    """Pictures it managed to look at, a student and second (15 arrive)."""
    core_percent_per_look: float
    """Percent of a core for one look a second: the cost without the frames it dropped."""


class Row(msgspec.Struct, frozen=True):
    """One number of students, everything on, one wall watcher."""

    students: int
    core_percent_per_student: CoreShare
    forward_ms: Percentiles
    alert_ms: Percentiles
    """From the picture or sound that completed a finding to a proctor's socket."""
    signal_ms: Percentiles
    """The same for what the browser says."""
    onset_to_alert_ms: Percentiles
    tile_kbps: float
    rss_mb_per_student: float
    machine_busy_percent: float
    """Of all cores, clients included: near 100 the rows measure a full machine."""
    analysis_at_limit: bool = False
    """Its processes filled their cores: rates were shed, and the row is cheaper a student than it should
    be."""


class Result(msgspec.Struct, frozen=True):
    """The top-level figures are those of the largest row in which nothing was shed and the machine had air
    to breathe."""

    machine: Machine
    students: int
    core_percent_per_student: CoreShare
    plain: PlainShare
    ratio: float
    """Plain over ours, core percent a student."""
    forward_ms: Percentiles
    alert_ms: Percentiles
    tile_kbps: float
    rss_mb_per_student: float
    rows: list[Row]
    quiet: Quiet | None = None
