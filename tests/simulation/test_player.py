"""A player into a real connection to the server's own end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

from media_server.frames import EncodedFrame, TrackRole
from media_server.peer import StudentPeer
from simulation import reel
from simulation.clips import Clip
from simulation.peering import OfferingPeer
from simulation.player import Player
from simulation.reel import Script


class Arrivals:
    """What came to the server."""

    def __init__(self) -> None:
        self.frames: list[EncodedFrame] = []
        self._changed = asyncio.Event()

    def take(self, frame: EncodedFrame) -> None:
        self.frames.append(frame)
        self._changed.set()

    def of(self, role: TrackRole) -> list[EncodedFrame]:
        return [frame for frame in self.frames if frame.track is role]

    async def until(self, enough: Callable[[Counter[TrackRole]], bool]) -> None:
        async with asyncio.timeout(15):
            while not enough(Counter(frame.track for frame in self.frames)):
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def playing(player: Player, arrivals: Arrivals) -> AsyncIterator[StudentPeer]:
    browser = OfferingPeer()
    for role in player.roles:
        browser.connection.addTransceiver("video" if role.is_video else "audio", direction="sendonly")
    servers: list[StudentPeer] = []

    async def exchange(offer: str) -> str:
        sections = browser.connection.sections()
        roles = {section.mid: role for role, section in zip(player.roles, sections, strict=True)}
        servers.append(StudentPeer(roles, arrivals.take))
        return await servers[0].answer(offer)

    await browser.connect(exchange)
    sections = browser.connection.sections()
    player.play_into({role: section.sender for role, section in zip(player.roles, sections, strict=True)})
    try:
        yield servers[0]
    finally:
        player.play_into({})
        await browser.aclose()
        await servers[0].close()


async def test_all_tracks_arrive_in_step_as_they_lie_in_the_clip(clip: Callable[[str], Clip]) -> None:
    player = Player(reel.load(clip("normal")), Script(32, 8))
    arrivals = Arrivals()
    async with playing(player, arrivals):
        player.start()
        await arrivals.until(lambda n: n[TrackRole.MAIN] >= 31 and n[TrackRole.AUDIO] >= 30)
    await player.aclose()
    for role in player.roles:
        frames = arrivals.of(role)
        strip = player.reel.strips[role]
        assert [frame.data for frame in frames] == list(strip.packets[: len(frames)])
        assert frames[0].keyframe
        apart = [(b.rtp_timestamp - a.rtp_timestamp) % 2**32 for a, b in pairwise(frames)]
        assert set(apart) == {round(strip.step * strip.clock_rate)}


async def test_asked_for_a_keyframe_it_goes_back_to_the_last_one_and_catches_up_at_the_next(
    clip: Callable[[str], Clip],
) -> None:
    player = Player(reel.load(clip("normal")), Script(32, 8))
    arrivals = Arrivals()
    async with playing(player, arrivals) as server:
        player.start()
        await arrivals.until(lambda n: n[TrackRole.MAIN] >= 10)
        server.request_keyframe(TrackRole.MAIN)
        await arrivals.until(lambda n: n[TrackRole.MAIN] >= 40)
    await player.aclose()
    frames = arrivals.of(TrackRole.MAIN)
    keyframes = [index for index, frame in enumerate(frames) if frame.keyframe]
    assert player.keyframes_asked >= 1
    assert keyframes[0] == 0
    packets = player.reel.strips[TrackRole.MAIN].packets
    again = keyframes[1]
    assert 10 <= again < 30
    assert [frame.data for frame in frames[again:30]] == list(packets[: 30 - again])
    assert frames[30].data == packets[30]


async def test_a_second_connection_starts_at_a_keyframe_and_the_playing_has_gone_on(
    clip: Callable[[str], Clip],
) -> None:
    player = Player(reel.load(clip("normal")), Script(32, 8))
    player.start()
    for _ in range(2):
        arrivals = Arrivals()
        async with playing(player, arrivals):
            await arrivals.until(lambda n: n[TrackRole.MAIN] >= 5 and n[TrackRole.LOW] >= 2)
        assert arrivals.of(TrackRole.MAIN)[0].keyframe
        assert arrivals.of(TrackRole.LOW)[0].keyframe
    assert player.position > 0
    await player.aclose()
