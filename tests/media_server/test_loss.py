"""A bad network between student and server, and between server and watcher."""

from __future__ import annotations

import itertools
import time

import pytest

from media_server.frames import TrackRole
from tests.support.clients import TestStudent, until
from tests.support.clips import video_clip
from tests.support.netem import Conditions, NetworkEmulator
from tests.support.sessions import feeding, own_watcher

pytestmark = [pytest.mark.media, pytest.mark.slow]


def gaps(arrivals: list[float]) -> list[float]:
    return sorted(after - before for before, after in itertools.pairwise(arrivals))


@pytest.mark.parametrize("loss", [0.05, 0.1])
async def test_both_tracks_go_on_under_loss_and_a_hundred_milliseconds_of_delay(loss: float) -> None:
    """A frame is held up by one round trip for every time its packet, or its copy, is lost; nearly all are
    there within half a second. (Losses of losses go on without end: the last percent is not judged.)"""
    student = TestStudent(main=video_clip(640, 480, 15, 45, 500), low=video_clip(160, 120, 5, 25, 50))
    arrivals: dict[TrackRole, list[float]] = {TrackRole.MAIN: [], TrackRole.LOW: []}
    async with (
        NetworkEmulator(Conditions(delay=0.05)) as network,
        feeding(student, network) as (feed, _, recorder),
    ):
        await recorder.wait(TrackRole.LOW)
        for role, times in arrivals.items():
            feed.subscribe(role, lambda frame, times=times: times.append(time.time()))  # type: ignore[misc]
        network.conditions.loss = loss
        await recorder.wait(TrackRole.MAIN, 180, 30)
        assert network.up.lost > 20
        main, low = gaps(arrivals[TrackRole.MAIN]), gaps(arrivals[TrackRole.LOW])
        assert main[int(0.99 * len(main))] < 0.5
        assert low[int(0.95 * len(low))] < 0.5
        assert max(main[-1], low[-1]) < 1.5
        for stats in (feed.stats().tracks[role] for role in arrivals):
            assert stats.packets_recovered > 0.8 * stats.packets_lost - 3
            assert stats.frames_dropped < 0.1 * stats.frames + 3


async def test_a_watcher_on_a_lossy_path_gets_every_frame() -> None:
    async with (
        NetworkEmulator(Conditions(delay=0.03)) as network,
        feeding() as (feed, _, recorder),
        own_watcher(feed, network) as watched,
    ):
        network.conditions.loss = 0.1
        start = len(watched.frames[TrackRole.MAIN])
        await until(lambda: len(watched.frames[TrackRole.MAIN]) > start + 80, 20)
        got = [frame.rtp_timestamp for frame in watched.frames[TrackRole.MAIN][start:]]
        sent = [frame.rtp_timestamp for frame in recorder.frames[TrackRole.MAIN]]
        first = sent.index(got[0])
        missed = set(sent[first : sent.index(got[-1])]) - set(got)
        assert len(missed) < 0.1 * len(got)
        slot = next(iter(watched.peer.slots.values()))
        assert slot.sender.stats.retransmitted > 3
        await until(lambda: watched.peer.link().fraction_lost > 0.01)
        assert watched.peer.link().round_trip == pytest.approx(0.06, abs=0.05)


async def test_a_full_link_makes_the_sender_be_told_of_less() -> None:
    async with (
        NetworkEmulator(Conditions(delay=0.02)) as network,
        feeding(TestStudent(main=video_clip(640, 480, 15, 45, 500), audio=False), network) as (feed, _, _),
    ):
        peer = feed._peer
        assert peer is not None and peer.transport is not None
        bandwidth = peer.transport.bandwidth
        before = bandwidth.estimate
        network.conditions.rate, network.conditions.queue = 300_000, 1.0
        await until(lambda: bandwidth.estimate < 300_000, 15)
        assert before > 600_000
