"""ICE candidates on the address that is set, and on loopback where there is nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import aioice.ice
import pytest

from media_server import addresses
from media_server.addresses import gather_on
from media_server.frames import TrackRole
from media_server.ingest import StudentFeed
from tests.support.clients import TestStudent
from tests.support.sessions import Recorder

pytestmark = pytest.mark.media


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = aioice.ice.get_host_addresses
    yield
    aioice.ice.get_host_addresses = before


async def candidates_of_a_working_connection() -> set[str]:
    student, feed = TestStudent(), StudentFeed("a")
    recorder = Recorder(feed)
    try:
        offer = await student.offer()
        answer = await feed.connect(offer, student.roles)
        await student.accept(answer)
        await recorder.wait(TrackRole.MAIN)
    finally:
        await student.close()
        await feed.close()
    return {line.split()[4] for line in answer.splitlines() if line.startswith("a=candidate")}


async def test_the_address_that_is_set_is_the_only_one() -> None:
    gather_on("127.0.0.1")
    assert await candidates_of_a_working_connection() == {"127.0.0.1"}


async def test_a_machine_without_a_network_talks_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_ALL", lambda use_ipv4, use_ipv6: [])
    gather_on()
    assert await candidates_of_a_working_connection() == {"127.0.0.1"}


def test_without_a_setting_all_addresses_are_taken() -> None:
    before = aioice.ice.get_host_addresses(True, True)
    gather_on()
    assert aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True) == before


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        gather_on("nowhere")
