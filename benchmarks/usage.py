"""CPU and memory of running processes between two instants, by process and by thread name."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Snapshot:
    at: float
    """Monotonic seconds."""
    cpu: dict[int, float]
    """pid -> CPU seconds so far, user and system."""
    threads: dict[int, dict[str, float]]
    """pid -> thread name -> CPU seconds so far."""
    rss: dict[int, int]
    """pid -> resident bytes."""


def _thread_seconds(pid: int) -> dict[str, float]:
    """By name, as the kernel accounts them; names that several threads share are added up."""
    tick = 1 / 100
    seconds: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            text = (task / "stat").read_text()
        except OSError:
            continue
        name, _, rest = text.partition("(")[2].rpartition(")")
        fields = rest.split()
        seconds[name] = seconds.get(name, 0.0) + (int(fields[11]) + int(fields[12])) * tick
    return seconds


def snapshot(pids: list[int]) -> Snapshot:
    """Read all at once; a process that has gone raises psutil.NoSuchProcess: the run is void."""
    processes = [psutil.Process(pid) for pid in pids]
    times = {process.pid: process.cpu_times() for process in processes}
    return Snapshot(
        at=time.monotonic(),
        cpu={pid: spent.user + spent.system for pid, spent in times.items()},
        threads={pid: _thread_seconds(pid) for pid in pids},
        rss={process.pid: process.memory_info().rss for process in processes},
    )


def core_percent(before: Snapshot, after: Snapshot, pid: int) -> float:
    """Percent of one core the process used between the two."""
    return 100 * (after.cpu[pid] - before.cpu[pid]) / (after.at - before.at)


def thread_percent(before: Snapshot, after: Snapshot, pid: int, prefix: str) -> float:
    """Percent of one core used by the process's threads whose name begins with `prefix`."""

    def total(shot: Snapshot) -> float:
        return sum(spent for name, spent in shot.threads[pid].items() if name.startswith(prefix))

    return 100 * (total(after) - total(before)) / (after.at - before.at)
