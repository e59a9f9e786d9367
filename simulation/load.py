"""Many simulated students and proctors at once: for `invigil simulate`, the demo and the benchmarks."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table

from core.tasks import cancel_and_wait
from simulation import clips, reel
from simulation.client import PlannedSignal, SimulatedStudent
from simulation.clips import Clip
from simulation.reel import Script
from simulation.watcher import SimulatedWatcher

APART_S = 0.15
"""Between two students' arrivals: a class does not come through the door at the same instant."""


@dataclass(frozen=True, slots=True)
class Cast:
    """One student of a load: who, playing what."""

    link: str
    clip: Clip
    rests: int = 0
    """How often the clip's calm beginning is played between two rounds."""
    signals: tuple[PlannedSignal, ...] = ()
    screen: bool = False
    """Shares a screen too (see `clips.screen`)."""


def distribute(links: Sequence[str], clips: Sequence[Clip], rests: int = 0) -> list[Cast]:
    """Each link a student, the clips in turn."""
    return [Cast(link, clips[n % len(clips)], rests) for n, link in enumerate(links)]


class Load:
    """Start with `start()`, look at `students` and `watchers`, end with `aclose()`."""

    def __init__(self, casts: Iterable[Cast], watcher_links: Sequence[str] = (), *, tiles: int = 50) -> None:
        self.students = [_student(cast) for cast in casts]
        self.watchers = [SimulatedWatcher(link, tiles=tiles) for link in watcher_links]
        self._tasks: list[asyncio.Task[None]] = []
        self._watching: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """All of them, one after the other; back when each is on the way."""
        for student in self.students:
            self._tasks.append(asyncio.create_task(student.run(), name="student"))
            await asyncio.sleep(APART_S)
        for watcher in self.watchers:
            self._watching.append(asyncio.create_task(watcher.run(), name="watcher"))

    async def until_live(self, seconds: float) -> int:
        """Wait until every student's attempt runs, at most so long; how many do. Raises what stopped one
        for good (LinkRefused, Unreachable)."""
        everybody = asyncio.create_task(self._all_started(), name="everybody started")
        ends = time.monotonic() + seconds
        waiting = {everybody, *self._tasks}
        try:
            while not everybody.done() and time.monotonic() < ends:
                _, waiting = await asyncio.wait(
                    waiting, timeout=ends - time.monotonic(), return_when=asyncio.FIRST_COMPLETED
                )
                self.raise_failures()
        finally:
            await cancel_and_wait(everybody)
        return sum(student.started.is_set() for student in self.students)

    async def _all_started(self) -> None:
        for student in self.students:
            await student.started.wait()

    def raise_failures(self) -> None:
        for task in (*self._tasks, *self._watching):
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error

    @property
    def over(self) -> bool:
        """Every attempt has ended."""
        return all(task.done() for task in self._tasks)

    async def dismiss_watchers(self) -> None:
        """The proctors go home; the students stay."""
        await cancel_and_wait(*self._watching)

    async def aclose(self) -> None:
        await cancel_and_wait(*self._tasks, *self._watching)


def _student(cast: Cast) -> SimulatedStudent:
    clip = cast.clip
    film = reel.load(clip, clips.screen() if cast.screen else None)
    script = Script(clip.seconds, clip.calm_s, cast.rests)
    return SimulatedStudent(cast.link, film, script=script, signals=cast.signals)


async def run_load(
    casts: Sequence[Cast],
    watcher_links: Sequence[str] = (),
    *,
    seconds: float | None = None,
    console: Console | None = None,
) -> Load:
    """Run a load for `seconds` (None: until cancelled or all is over), a live table of how it goes on
    `console`. Answers the load, ended, for what it counted."""
    load = Load(casts, watcher_links)
    ends = time.monotonic() + seconds if seconds is not None else float("inf")
    live = Live(_table(load), console=console, refresh_per_second=2) if console else None
    try:
        if live:
            live.start()
        await load.start()
        while time.monotonic() < ends and not load.over:
            await asyncio.sleep(min(0.5, max(0.0, ends - time.monotonic())))
            load.raise_failures()
            if live:
                live.update(_table(load))
    finally:
        await load.aclose()
        if live:
            live.update(_table(load))
            live.stop()
    return load


def _table(load: Load) -> Table:
    table = Table("student", "clip", "at", "media", "status", "connections", "keyframes asked", box=None)
    for number, student in enumerate(load.students, 1):
        table.add_row(
            str(number), student.player.reel.clip.name, f"{student.player.position:4.1f} s",
            "live" if student.live.is_set() else "connecting", student.status.value,
            str(student.connections), str(student.player.keyframes_asked),
        )  # fmt: skip
    for number, watcher in enumerate(load.watchers, 1):
        table.add_row(f"watcher {number}", "", "", *_watched(watcher))
    return table


def _watched(watcher: SimulatedWatcher) -> tuple[str, str, str, str]:
    tiles = list(watcher.tiles.values())
    moving = sum(1 for tile in tiles if tile.last_frame_at and time.time() - tile.last_frame_at < 2)
    latencies = [value for tile in tiles for value in list(tile.latencies)[-20:]]
    middle = f"{statistics.median(latencies) * 1000:.0f} ms" if latencies else ""
    return f"{moving} of {len(tiles)} tiles moving", middle, "", f"{len(watcher.events)} events"
