"""The real server as a process of its own, with a data directory that is thrown away afterwards."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
from aiohttp import ClientConnectionError, ClientSession

from benchmarks.usage import Snapshot, snapshot
from config import naming
from config.settings import Settings, load

START_S = 60.0
STOP_S = 20.0

Part = Literal["web", "media", "analysis", "spare"]


@dataclass(frozen=True, slots=True)
class RunningServer:
    process: Process
    settings: Settings

    def parts(self) -> dict[Part, list[int]]:
        """pids by what they do now; a warm spare does nothing until it is needed."""
        root = psutil.Process(self.process.pid)
        found: dict[Part, list[int]] = {"web": [root.pid], "media": [], "analysis": [], "spare": []}
        for child in root.children(recursive=True):
            if part := part_of(child):
                found[part].append(child.pid)
        return found

    def look(self) -> Snapshot:
        return snapshot([pid for pids in self.parts().values() for pid in pids])


def part_of(process: psutil.Process) -> Part | None:
    """By the name a worker gives itself; None where it has just ended."""
    try:
        name = Path(f"/proc/{process.pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    match name:
        case naming.MEDIA:
            return "media"
        case naming.ANALYSIS:
            return "analysis"
        case _:
            return "spare"


@asynccontextmanager
async def running(directory: Path, environment: Mapping[str, str]) -> AsyncIterator[RunningServer]:
    """Up and ready when the block begins; ended with it. Raises TimeoutError."""
    port = free_port()
    settings = load(data_dir=directory, web={"port": port})
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "web", "serve", "--port", str(port),
        env={**os.environ, "INVIGIL_DATA_DIR": str(directory), **environment},
        stdin=PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(START_S):
            await _until_ready(process, settings.base_url)
        yield RunningServer(process, settings)
    finally:
        await _stop(process)


def free_port() -> int:
    """One that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _until_ready(process: Process, url: str) -> None:
    async with ClientSession() as http:
        while process.returncode is None:
            try:
                async with http.get(f"{url}/ready") as answer:
                    if answer.status == 200:
                        return
            except ClientConnectionError:
                pass
            await asyncio.sleep(0.2)
    raise RuntimeError(f"the server ended with {process.returncode} before it was ready")


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
