"""One trial of the plain pipeline: the same clips from the same packets, a watcher for each student."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Sequence

from aiohttp import ClientConnectionError, ClientSession

from benchmarks.results import PlainShare
from benchmarks.server import free_port
from benchmarks.usage import core_percent, snapshot
from media_server.frames import TrackRole
from simulation import clips, reel
from simulation.peering import OfferingPeer
from simulation.player import Player
from simulation.reel import Reel, Script

START_S = 60.0
SETTLE_S = 5.0
_SENT = (TrackRole.MAIN, TrackRole.AUDIO)
"""One camera track is all the plain pipeline knows of."""


async def run_plain(students: int, seconds: float, clip_names: Sequence[str]) -> PlainShare:
    playing = [reel.load(await asyncio.to_thread(clips.ensure, name)) for name in clip_names]
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="invigil-plain-") as directory:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.plain", "--port", str(port), "--directory", directory
        )
        try:
            async with (
                ClientSession(f"http://127.0.0.1:{port}") as http,
                contextlib.AsyncExitStack() as stack,
            ):
                await _until_up(http)
                for number in range(students):
                    await _publish(http, stack, playing[number % len(playing)])
                await _watch(http, stack, students)
                await asyncio.sleep(SETTLE_S)
                return await _measure(http, process.pid, students, seconds)
        finally:
            process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 10)
            if process.returncode is None:
                process.kill()


async def _measure(http: ClientSession, pid: int, students: int, seconds: float) -> PlainShare:
    looks_before, before = await _looks(http), snapshot([pid])
    await asyncio.sleep(seconds)
    looks, after = await _looks(http), snapshot([pid])
    percent = core_percent(before, after, pid) / students
    per_second = (looks - looks_before) / (after.at - before.at) / students
    return PlainShare(
        core_percent_per_student=round(percent, 1),
        students=students,
        frames_per_second=round(per_second, 2),
        core_percent_per_look=round(percent / per_second, 1) if per_second else float("inf"),
    )


async def _looks(http: ClientSession) -> int:
    async with http.get("/looks") as answer:
        return sum(await answer.json())


async def _until_up(http: ClientSession) -> None:
    async with asyncio.timeout(START_S):
        while True:
            with contextlib.suppress(ClientConnectionError):
                await _looks(http)
                return
            await asyncio.sleep(0.2)


async def _publish(http: ClientSession, stack: contextlib.AsyncExitStack, whole: Reel) -> None:
    sent = Reel(whole.clip, {role: whole.strips[role] for role in _SENT})
    peer = OfferingPeer()
    stack.push_async_callback(peer.aclose)
    for role in _SENT:
        peer.connection.addTransceiver("video" if role.is_video else "audio", direction="sendonly")
    enrolment = str(whole.clip.enrolment)
    await peer.connect(lambda offer: _offer(http, "/publish", offer, enrolment=enrolment))
    player = Player(sent, Script(whole.clip.seconds, whole.clip.calm_s))
    stack.push_async_callback(player.aclose)
    senders = [section.sender for section in peer.connection.sections()]
    player.play_into(dict(zip(_SENT, senders, strict=True)))
    player.start()


async def _watch(http: ClientSession, stack: contextlib.AsyncExitStack, tiles: int) -> None:
    peer = OfferingPeer()
    stack.push_async_callback(peer.aclose)
    for _ in range(tiles):
        peer.connection.addTransceiver("video", direction="recvonly")
    await peer.connect(lambda offer: _offer(http, "/watch", offer))


async def _offer(http: ClientSession, path: str, sdp: str, **facts: str) -> str:
    async with http.post(path, json={"sdp": sdp, "type": "offer", **facts}) as answer:
        answer.raise_for_status()
        return str((await answer.json())["sdp"])
