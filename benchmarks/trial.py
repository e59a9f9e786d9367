"""One trial of ours: the real server, N simulated students with everything on, one wall watcher."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.latency import Stopwatch
from benchmarks.results import CoreShare, Row, percentiles
from benchmarks.server import Part, RunningServer, running
from benchmarks.usage import Snapshot, core_percent, thread_percent
from config.naming import RECORDER_THREAD
from core.samples import SignalKind
from db.database import Database
from simulation import clips
from simulation.client import PlannedSignal
from simulation.load import Cast, Load
from web.demonstration.load import seed_load
from web.links import Links

SETTLE_S = 8.0
"""After the last student has started: keyframes, first enrolment, caches."""
LIVE_S = 90.0
SIGNAL_EVERY_S = 5.0
SIGNALS = (
    SignalKind.TAB_HIDDEN,
    SignalKind.PASTE,
    SignalKind.FULLSCREEN_LEFT,
    SignalKind.DEVTOOLS_OPENED,
    SignalKind.WINDOW_BLUR,
    SignalKind.COPY,
)
RESTS = (2, 3, 4)
"""Calm rounds between two of a clip: each student gives cause for an alert about once a minute, which is
far more than an exam has, and not all of them at once."""
TILE_SLOTS = 50
LIMIT_PERCENT = 85.0
"""An analysis process busier than this sheds now and then: it judges itself second by second."""


@dataclass(frozen=True, slots=True)
class Window:
    """What was used between two looks."""

    before: Snapshot
    after: Snapshot
    parts: dict[Part, list[int]]
    machine_busy_percent: float

    def percent(self, part: Part) -> float:
        return sum(core_percent(self.before, self.after, pid) for pid in self.parts[part])

    def recording(self) -> float:
        return sum(
            thread_percent(self.before, self.after, pid, RECORDER_THREAD) for pid in self.parts["media"]
        )

    @property
    def analysis_busy_percent(self) -> float:
        """Of the cores that the analysis processes can fill."""
        return self.percent("analysis") / len(self.parts["analysis"])

    @property
    def seconds(self) -> float:
        return self.after.at - self.before.at


async def watch_window(server: RunningServer, seconds: float) -> Window:
    parts, before = server.parts(), server.look()
    psutil.cpu_percent(None)
    await asyncio.sleep(seconds)
    return Window(before, server.look(), parts, psutil.cpu_percent(None))


async def run_trial(students: int, seconds: float, clip_names: Sequence[str]) -> Row:
    """Measure for `seconds` with a watcher and for as long without. Raises TimeoutError where the
    students do not all come to run."""
    playing = [await asyncio.to_thread(clips.ensure, name) for name in clip_names]
    with tempfile.TemporaryDirectory(prefix="invigil-bench-") as directory:
        async with running(Path(directory), {"INVIGIL_LOG_LEVEL": "warning"}) as server:
            links, watching = await _seed(server, students)
            idle = server.look()
            casts = [
                Cast(link, playing[n % len(playing)], RESTS[n % len(RESTS)], _browser_signals(n))
                for n, link in enumerate(links)
            ]
            load = Load(casts, [watching], tiles=TILE_SLOTS)
            try:
                return await _measure(server, load, students, seconds, idle)
            finally:
                await load.aclose()


async def _measure(server: RunningServer, load: Load, students: int, seconds: float, idle: Snapshot) -> Row:
    stopwatch = Stopwatch(load.students, load.watchers)
    await load.start()
    if await load.until_live(LIVE_S) < students:
        raise TimeoutError(f"not all of {students} students came to run within {LIVE_S:.0f} s")
    await asyncio.sleep(SETTLE_S)
    watcher = load.watchers[0]
    stopwatch.running = True
    bytes_before = sum(tile.bytes for tile in watcher.tiles.values())
    with_watcher = await watch_window(server, seconds)
    stopwatch.running = False
    tile_bytes = sum(tile.bytes for tile in watcher.tiles.values()) - bytes_before
    await load.dismiss_watchers()
    await asyncio.sleep(2.0)
    without = await watch_window(server, seconds / 2)
    return Row(
        students=students,
        core_percent_per_student=_shares(with_watcher, without, students),
        forward_ms=percentiles(stopwatch.forward_ms),
        alert_ms=percentiles(stopwatch.alert_ms),
        signal_ms=percentiles(stopwatch.signal_ms),
        onset_to_alert_ms=percentiles(stopwatch.onset_ms),
        tile_kbps=round(tile_bytes * 8 / 1000 / with_watcher.seconds / students, 1),
        rss_mb_per_student=_memory(idle, with_watcher, students),
        machine_busy_percent=round(with_watcher.machine_busy_percent, 0),
        analysis_at_limit=with_watcher.analysis_busy_percent > LIMIT_PERCENT,
    )


def _shares(with_watcher: Window, without: Window, students: int) -> CoreShare:
    """The wall watcher is what the media process costs more while it watches."""

    def share(percent: float) -> float:
        return round(percent / students, 2)

    recording = with_watcher.recording()
    watcher = max(0.0, with_watcher.percent("media") - without.percent("media"))
    analysis, web = with_watcher.percent("analysis"), with_watcher.percent("web")
    media = with_watcher.percent("media") - watcher - recording
    return CoreShare(
        media=share(media),
        analysis=share(analysis),
        recording=share(recording),
        watcher=share(watcher),
        web=share(web),
        total=share(media + analysis + recording + watcher + web),
    )


def _memory(idle: Snapshot, window: Window, students: int) -> float:
    """What all processes of the server grew by since nobody was there."""
    grown = sum(window.after.rss.values()) - sum(idle.rss.get(pid, 0) for pid in window.after.rss)
    return round(grown / 2**20 / students, 1)


def _browser_signals(number: int) -> tuple[PlannedSignal, ...]:
    """Something else every few seconds (the same thing again would be merged into one incident), students
    apart from one another."""
    first = SETTLE_S + number * 0.37
    return tuple(PlannedSignal(first + place * SIGNAL_EVERY_S, kind) for place, kind in enumerate(SIGNALS))


async def _seed(server: RunningServer, students: int) -> tuple[list[str], str]:
    """Links of an exam's students and of its proctor."""
    database = Database(server.settings.database)
    try:
        exam, people, staff = await seed_load(database, students, 1)
    finally:
        await database.close()
    settings = server.settings
    links = Links(settings.signing_key(), settings.base_url, time.time)
    return [links.make(person.id, exam.id) for person in people], links.make(staff[0].id, exam.id)
