"""The whole path with real parts: worker processes, a simulated student's WebRTC, real detectors, files."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest
import pytest_asyncio
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from aiortc import AudioStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from config.settings import load
from core.people import Role
from db.base import new_id
from media_server.supervisor import Supervisor
from simulation import clips, reel
from simulation.client import SimulatedStudent
from simulation.media import MissingMedia
from web import keys
from web.app import make_app
from web.fleets import supervised

from .conftest import Site, seed
from .talk import Message, Talk, talk

pytestmark = [
    pytest.mark.media,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),
]


@dataclass
class Running:
    site: Site
    fleet: Supervisor


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    data = tmp_path_factory.mktemp("media") / "var"
    settings = load(data_dir=data, log_level="warning", recording={"segment_s": 2, "min_free_mb": 1})
    fleets: list[Supervisor] = []

    def make_fleet(settings: Any, listener: Any) -> Supervisor:
        fleets.append(supervised(settings, listener))
        return fleets[0]

    site = Site(TestServer(make_app(settings, make_fleet=make_fleet)), settings)
    await site.server.start_server()
    await seed(site)
    yield Running(site, fleets[0])
    for client in site.clients:
        await client.close()
    await site.server.close()


@dataclass
class Sitting:
    """A simulated student in an exam, and a proctor who watches."""

    student: SimulatedStudent
    playing: asyncio.Task[None]
    proctor: Talk
    exam_id: str

    @property
    def attempt(self) -> str:
        return self.student.attempt_id

    async def tile(self, state: str, *, after: int = 0) -> Message:
        return await self.proctor.wait(
            lambda m: m["type"] == "tile" and m["attempt"] == self.attempt and m["state"] == state,
            after=after,
        )

    async def incident(self, kind: str, step: str = "opened", *, after: int = 0) -> Message:
        return await self.proctor.wait(
            lambda m: (
                m.get("event") == f"incident.{step}"
                and m["attempt"] == self.attempt
                and m["payload"]["kind"] == kind
            ),
            after=after,
        )

    async def aclose(self) -> None:
        self.playing.cancel()
        await asyncio.wait({self.playing})
        await self.proctor.aclose()


async def sit(running: Running, clip: str) -> Sitting:
    """A new student, whose attempt has started when this returns."""
    site = running.site
    try:
        found = await asyncio.to_thread(clips.find, clip)
    except MissingMedia as error:
        pytest.skip(str(error))
    exam = site.exams["physics"]
    async with site.database.transaction() as tx:
        user = await tx.users.add(email=f"{new_id()}@example.org", name=clip.title(), role=Role.STUDENT)
    link = site.server.app[keys.LINKS].make(user.id, exam.id)
    student = SimulatedStudent(site.url(link[link.index("/join/") :]), reel.load(found))
    proctor = await talk(await site.enter("proctor"), f"/ws/exams/{exam.id}")
    playing = asyncio.create_task(student.run())
    await asyncio.wait(
        {asyncio.create_task(student.started.wait()), playing}, timeout=60, return_when="FIRST_COMPLETED"
    )
    assert student.started.is_set(), (student.live.is_set(), student.problems, proctor.told[-3:])
    return Sitting(student, playing, proctor, exam.id)


async def test_a_session_is_seen_judged_recorded_and_reviewed(running: Running) -> None:
    sitting = await sit(running, "absent")
    proctor, site = sitting.proctor, running.site
    tile = await sitting.tile("live")
    assert tile["status"] in ("none", "running")
    await proctor.ask("focus", attempt=sitting.attempt)
    overlay = await proctor.of_type("overlay")
    assert overlay["attempt"] == sitting.attempt
    assert any(box["label"] == "face" for box in overlay["boxes"])

    opened = await sitting.incident("no_face")
    assert opened["payload"]["severity"] == "medium"
    closed = await sitting.incident("no_face", "closed")
    assert closed["payload"]["id"] == opened["payload"]["id"]

    staff = await site.enter("prof")
    picture = await staff.get(f"/api/evidence/{_evidence_key(closed)}")
    assert (picture.status, picture.content_type) == (200, "image/jpeg")

    await sitting.student.complete()
    await sitting.tile("ended")
    await sitting.aclose()
    await _review(site, sitting.attempt)


def _evidence_key(event: Message) -> str:
    return str(event["payload"]["evidence"]).removeprefix("/api/evidence/")


async def _review(site: Site, attempt: str) -> None:
    client = await site.enter("prof")
    url = f"/api/attempts/{attempt}"
    timeline = await _closed_timeline(client, url)
    assert [one["status"] for one in timeline["statuses"]] == ["running", "complete"]
    assert [one["given"] for one in timeline["consents"]] == [True]
    assert "no_face" in [one["kind"] for one in timeline["incidents"]]
    assert timeline["recording"]["url"] == f"{url}/recording"
    assert len(timeline["segments"]) >= 3
    first = await client.get(timeline["segments"][0]["url"])
    assert first.status == 200

    part = await client.get(f"{url}/recording", headers={"Range": "bytes=0-99"})
    assert part.status == 206
    assert part.headers["Content-Range"].startswith("bytes 0-99/")
    whole = await (await client.get(f"{url}/recording")).read()
    path = site.settings.data_dir / "whole.webm"
    path.write_bytes(whole)
    with av.open(str(path)) as container:
        seconds = (container.duration or 0) / 1e6
        assert {stream.type for stream in container.streams} == {"video", "audio"}
    ended_at = max(one["ended_at"] for one in timeline["segments"])
    assert seconds == pytest.approx(ended_at - timeline["recording"]["started_at"], abs=1.0)

    report = await (await client.get(f"{url}/report")).json()
    assert "no_face" in [one["kind"] for one in report["suspected"]]
    assert report["confirmed"] == []
    assert report["recording"]["recorded_s"] > 5


async def _closed_timeline(client: ClientSession, url: str) -> dict[str, Any]:
    """Once the last segment is on disk, which is a moment after the end."""
    async with asyncio.timeout(30):
        while True:
            timeline: dict[str, Any] = await (await client.get(f"{url}/timeline")).json()
            if timeline["recording"] is not None:
                return timeline
            assert (await client.get(f"{url}/recording")).status in (200, 409)
            await asyncio.sleep(0.1)


async def test_a_proctor_sees_a_student_and_speaks_to_them(running: Running) -> None:
    sitting = await sit(running, "normal")
    proctor, site = sitting.proctor, running.site
    await sitting.tile("live")
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    slot = pc.addTransceiver("video", direction="recvonly")
    microphone = pc.addTransceiver(AudioStreamTrack(), direction="sendonly")
    await pc.setLocalDescription(await pc.createOffer())
    answer = await proctor.ask("watch", worker=0, sdp=pc.localDescription.sdp, talk_mid=microphone.mid)
    watcher = answer["watcher"]
    await pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))

    place = {"watcher": watcher, "mid": slot.mid, "track": "low"}
    for other in (site.attempts["cat"].id, "nobody"):
        assert (await proctor.ask("attach", attempt=other, **place))["problem"] == "not-found"
    assert (await proctor.ask("attach", attempt=sitting.attempt, **place))["type"] == "ok"
    mapping = await proctor.of_type("mapping")
    assert (mapping["attempt"], mapping["mid"], mapping["track"]) == (sitting.attempt, slot.mid, "low")
    picture = await asyncio.wait_for(slot.receiver.track.recv(), 20)
    assert (picture.width, picture.height) == (160, 120)

    stranger = await talk(await site.enter("prof"), f"/ws/exams/{sitting.exam_id}")
    assert (await stranger.ask("attach", attempt=sitting.attempt, **place))["problem"] == "not-found"
    await stranger.aclose()

    said = await proctor.ask("talk", watcher=watcher, attempt=sitting.attempt, reason="sound check")
    assert said["type"] == "ok"
    async with site.database.reading() as tx:
        (intervention,) = await tx.interventions.of_attempt(sitting.attempt)
    assert (intervention.kind.value, intervention.reason) == ("talk", "sound check")
    assert (await proctor.ask("talk", watcher=watcher, attempt=None))["type"] == "ok"
    assert (await proctor.ask("unwatch", watcher=watcher))["type"] == "ok"
    assert (await proctor.ask("unwatch", watcher=watcher))["problem"] == "not-found"
    await pc.close()
    await sitting.aclose()


async def test_a_killed_media_process_is_survived_under_the_same_attempt(running: Running) -> None:
    sitting = await sit(running, "normal")
    proctor = sitting.proctor
    await sitting.tile("live")
    await _segments(running.site, sitting.attempt, 1)
    seen = len(proctor.told)
    pid = running.fleet.pid("media", 0)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await proctor.wait(lambda m: m["type"] == "worker" and m["state"] == "down", after=seen)
    await sitting.tile("reconnecting", after=seen)
    await proctor.wait(lambda m: m["type"] == "worker" and m["state"] == "up", after=seen)
    back = await sitting.tile("live", after=len(proctor.told))
    assert back["status"] == "running"
    assert sitting.student.connections == 2
    await sitting.incident("disconnected", "closed", after=seen)
    before = await _segments(running.site, sitting.attempt, 0)
    await _segments(running.site, sitting.attempt, len(before) + 2)
    await sitting.incident("recording_gap", after=seen)
    async with running.site.database.reading() as tx:
        gaps = await tx.segments.gaps(sitting.attempt)
    assert gaps, "what is missing is on the record"
    await sitting.aclose()


async def test_a_killed_analysis_process_is_a_gap_and_no_all_clear(running: Running) -> None:
    sitting = await sit(running, "normal")
    proctor = sitting.proctor
    await sitting.tile("live")
    # Analysis has spoken of this student: its page was told what is seen.
    await proctor.ask("focus", attempt=sitting.attempt)
    await proctor.of_type("overlay")
    seen = len(proctor.told)
    pid = running.fleet.pid("analysis", 0)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    gap = await sitting.incident("analysis_gap", after=seen)
    assert gap["payload"]["category"] == "technical"
    # Tiles from before say what else cannot be measured yet (no calibration, too little speech).
    await proctor.wait(
        lambda m: (
            m["type"] == "tile"
            and m["attempt"] == sitting.attempt
            and set(m.get("blind", {}).values()) == {"crashed"}
        ),
        after=seen,
    )
    await sitting.incident("analysis_gap", "closed", after=seen)
    # Overlays flow again without being asked for.
    await proctor.wait(lambda m: m["type"] == "overlay", after=len(proctor.told))
    await sitting.aclose()


async def _segments(site: Site, attempt: str, wanted: int) -> list[Any]:
    """The attempt's segments, once there are so many."""
    async with asyncio.timeout(60):
        while True:
            async with site.database.reading() as tx:
                found = await tx.segments.of_attempt(attempt)
            if len(found) >= wanted:
                return found
            await asyncio.sleep(0.2)


async def test_recordings_lie_under_the_attempt(running: Running) -> None:
    folders = {path.name for path in Path(running.site.settings.recordings_dir).iterdir()}
    assert folders
    assert all(len(name) == 32 for name in folders)
