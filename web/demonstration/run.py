"""The demo from the clips to the last good-bye."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from config.settings import Settings
from core.errors import BadSettings
from db import migrate
from db.database import Database
from simulation import clips
from simulation.media import MissingMedia
from simulation.recipes import DEMO
from web.demonstration.seed import Cast, seed
from web.demonstration.students import Part
from web.links import Links
from web.serving import serving, until_told_to_stop

log = logging.getLogger(__name__)

STUDENTS_S = 10.0
"""How long the students' process may take to end."""
RESTS = (0, 1, 2, 1, 2)
"""Calm rounds between two of a clip, so that not everything happens at once."""


async def demo(settings: Settings, *, console: Console, simulated: int = 5) -> None:
    wanted = [name for name in DEMO if name in clips.obtainable()][:simulated]
    made = await asyncio.to_thread(clips.ensure_all, wanted, console) if wanted else {}
    playable = [name for name, clip in made.items() if not isinstance(clip, MissingMedia)]
    await migrate.upgrade(settings.database)
    database = Database(settings.database)
    try:
        cast = await seed(database, playable)
    finally:
        await database.close()
    with console.status("starting"):
        stack = contextlib.AsyncExitStack()
        async with contextlib.AsyncExitStack() as starting:
            running = await starting.enter_async_context(serving(settings))
            links = Links(running.signing_key(), running.base_url, time.time)
            await starting.enter_async_context(_students(cast, links, playable))
            stack = starting.pop_all()
    async with stack:
        _say(console, cast, links, running, playable)
        await until_told_to_stop()
        console.print("Closing …")


@asynccontextmanager
async def _students(cast: Cast, links: Links, playable: Sequence[str]) -> AsyncIterator[None]:
    """Simulated students in a process of their own, ended with the block."""
    if not playable:
        yield
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "web.demonstration.students", stdin=PIPE, start_new_session=True
    )
    assert process.stdin is not None
    parts = [
        Part(links.make(cast.students[name].id, cast.exam.id), name, RESTS[n % len(RESTS)])
        for n, name in enumerate(playable)
    ]
    process.stdin.write(msgspec.json.encode(parts) + b"\n")
    try:
        await process.stdin.drain()
        yield
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(STUDENTS_S):
            await process.wait()
    except TimeoutError:
        log.warning("the students' process did not end by itself")
        process.kill()
        await process.wait()


def _say(console: Console, cast: Cast, links: Links, settings: Settings, playable: Sequence[str]) -> None:
    where = Text(f"{cast.exam.title} is in progress at {settings.base_url}", style="bold")
    there = Text(_who_is_there(playable))
    hint = Text("Open each link in a browser profile of its own. Ctrl-C ends everything.", style="dim")
    console.print(Panel(Group(where, there, hint), title="Invigil", border_style="cyan", expand=False))
    for who, url in (
        ("Proctor", links.make(cast.proctor.id, cast.exam.id)),
        ("Student (you)", links.make(cast.guest.id, cast.exam.id)),
        ("Professor", links.make(cast.professor.id)),
        ("Administrator", links.make(cast.administrator.id)),
    ):
        # Outside the panel and unbroken, so that it can be clicked and copied whole.
        console.print(Text.assemble((f"{who:14} ", "bold"), (url, f"link {url}")), soft_wrap=True)


def _who_is_there(playable: Sequence[str]) -> str:
    missing = [name for name in DEMO if name not in playable]
    what = clips.names()
    there = "; ".join(f"{name}: {what[name]}" for name in playable)
    said = f"{len(playable)} simulated students ({there})." if playable else "No simulated students."
    if missing:
        said += f" Not here, for want of their pictures: {', '.join(missing)} (see: invigil fetch-media)."
    return said


def check_loopback(settings: Settings) -> None:
    """Its logins are printed on a screen: nobody else's browser has any business here."""
    if not settings.on_loopback:
        raise BadSettings(detail="The demo runs on loopback addresses only; elsewhere use invigil serve.")
