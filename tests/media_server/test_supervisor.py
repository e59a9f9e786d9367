"""Worker processes that are killed, hang, fail to start, and come back."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from config.settings import AnalysisSettings, RecordingSettings, Settings
from core.errors import MediaUnavailable
from media_server.supervisor import Role, StartFailed, Supervisor
from tests.support.clients import TestStudent, until
from tests.support.footage import decoded
from transport.messages import (
    AnyMessage,
    Done,
    FeedHealth,
    PeerState,
    SdpAnswer,
    SegmentWritten,
    StartRecording,
    StopRecording,
    StudentOffer,
    WorkerStats,
)

pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]


@dataclass
class Told:
    """Everything the supervisor said."""

    messages: list[tuple[Role, int, AnyMessage]] = field(default_factory=list)
    changes: list[tuple[str, Role, int]] = field(default_factory=list)

    def segments(self) -> list[SegmentWritten]:
        return [message for _, _, message in self.messages if isinstance(message, SegmentWritten)]

    def of(self, role: Role, kind: type[AnyMessage]) -> list[AnyMessage]:  # type: ignore[valid-type]
        return [message for who, _, message in self.messages if who == role and isinstance(message, kind)]


@asynccontextmanager
async def supervising(data_dir: Path) -> AsyncIterator[tuple[Supervisor, Told]]:
    settings = Settings(data_dir=data_dir, recording=RecordingSettings(segment_s=2, min_free_mb=0))
    told = Told()
    supervisor = Supervisor(
        settings,
        on_message=lambda role, index, message: told.messages.append((role, index, message)),
        on_up=lambda role, index: told.changes.append(("up", role, index)),
        on_down=lambda role, index: told.changes.append(("down", role, index)),
        silence_s=6.0,
    )
    await supervisor.start()
    try:
        yield supervisor, told
    finally:
        await supervisor.aclose()


Fleet = tuple[Supervisor, Told]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    """One fleet for the tests that leave it running: starting one takes seconds."""
    async with supervising(tmp_path_factory.mktemp("fleet")) as fleet:
        yield fleet


@pytest.fixture
def fleet(running: Fleet) -> Fleet:
    running[1].messages.clear()
    running[1].changes.clear()
    return running


def workers() -> list[psutil.Process]:
    """Worker processes that this one started; other tests keep browsers and whole servers."""
    return [child for child in psutil.Process().children() if "media_server.warm" in child.cmdline()]


async def publish(supervisor: Supervisor, attempt: str = "attempt-1") -> TestStudent:
    student = TestStudent()
    offer = await student.offer()
    roles = {mid: role.value for mid, role in student.roles.items()}
    channel = supervisor.media(supervisor.place(attempt).media)
    answer = await channel.request(StudentOffer(attempt, offer, roles), SdpAnswer)  # type: ignore[arg-type]
    await student.accept(answer.sdp)
    return student


async def test_closing_closes_recordings_and_leaves_nothing_behind(tmp_path: Path) -> None:
    directory = tmp_path / "recordings"
    async with supervising(tmp_path) as (supervisor, told):
        student = await publish(supervisor)
        supervisor.media(0).send(StartRecording("attempt-1", str(directory), 0))
        await until(lambda: told.segments(), 20)
    await student.close()
    assert not list(directory.glob("*.part")), "the open segment was finished"
    assert len(told.segments()) == len(list(directory.iterdir())), "and told of"
    assert not workers()
    assert not list((tmp_path / "run").iterdir())


async def test_workers_end_when_the_web_process_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path\n"
        "from config.settings import Settings; from media_server.supervisor import Supervisor\n"
        "async def main():\n"
        "    supervisor = Supervisor(Settings(data_dir=Path(sys.argv[1])))\n"
        "    await supervisor.start(); print('up', flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    web = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(tmp_path), stdout=PIPE)
    assert web.stdout is not None
    assert await web.stdout.readline() == b"up\n"
    orphans = psutil.Process(web.pid).children(recursive=True)
    assert len(orphans) >= 2
    web.kill()
    await web.wait()
    _, alive = psutil.wait_procs(orphans, timeout=15)
    assert not alive


async def test_an_engine_that_cannot_load_stops_the_start_with_its_sentence(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, analysis=AnalysisSettings(objects="yolox", models_dir=tmp_path / "nowhere")
    )
    supervisor = Supervisor(settings)
    with pytest.raises(StartFailed, match="objects = yolox"):
        await supervisor.start()
    assert not workers()


async def test_a_long_data_directory_gets_its_sockets_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    async with supervising(deep) as (supervisor, _):
        socket = Path(supervisor.analysis_socket(0))
        assert len(str(socket)) < 108
        assert socket.parent.stat().st_mode & 0o777 == 0o700
    assert not socket.parent.exists()


async def test_killed_workers_are_back_within_two_seconds(fleet: Fleet) -> None:
    supervisor, told = fleet
    for role in ("media", "analysis"):
        await asyncio.wait_for(supervisor.warm(), 60)
        told.changes.clear()
        before = supervisor.pid(role, 0)
        assert before is not None
        os.kill(before, signal.SIGKILL)
        await until(lambda: len(told.changes) == 2, 2.0, f"{role} back")
        assert told.changes == [("down", role, 0), ("up", role, 0)]
        assert supervisor.pid(role, 0) != before
    told.messages.clear()
    await until(lambda: told.of("media", WorkerStats) and told.of("analysis", WorkerStats))


async def test_a_killed_media_process_costs_one_segment_at_most_and_the_gap_is_told(
    fleet: Fleet, tmp_path: Path
) -> None:
    supervisor, told = fleet
    directory = tmp_path / "recordings" / "attempt-1"
    student = await publish(supervisor)
    supervisor.media(0).send(StartRecording("attempt-1", str(directory), 0))
    await until(lambda: len(told.segments()) >= 2, 20, "two segments")
    pid = supervisor.pid("media", 0)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: ("up", "media", 0) in told.changes, 5)
    await student.close()
    known = told.segments()
    student = await publish(supervisor)
    order = StartRecording("attempt-1", str(directory), len(known), known[-1].ended_at)
    supervisor.media(0).send(order)
    await until(lambda: len(told.segments()) >= len(known) + 2, 20, "segments after the crash")
    await supervisor.media(0).request(StopRecording("attempt-1"), Done)
    await student.close()
    segments = told.segments()
    assert [one.index for one in segments] == list(range(len(segments))), "no number is missing or said twice"
    assert all(decoded(directory / one.path)[0] for one in segments)
    gaps = [(after.started_at - before.ended_at, after.gap_before_s)
            for before, after in pairwise(segments)]  # fmt: skip
    assert sum(real > 0.5 for real, _ in gaps) == 1
    for real, said in gaps:
        assert said == (pytest.approx(real, abs=0.01) if real > 0.5 else 0)


async def test_a_worker_that_hangs_is_replaced(fleet: Fleet) -> None:
    supervisor, told = fleet
    hung = supervisor.pid("media", 0)
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    await until(lambda: ("up", "media", 0) in told.changes, 15, "replaced")
    assert not psutil.pid_exists(hung)


async def test_while_a_worker_is_down_asking_for_it_says_so(fleet: Fleet) -> None:
    supervisor, told = fleet
    await asyncio.wait_for(supervisor.warm(), 60)
    channel = supervisor.media(0)
    pid = supervisor.pid("media", 0)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await channel.closed.wait()
    with pytest.raises(MediaUnavailable):
        supervisor.media(0)
    await until(lambda: ("up", "media", 0) in told.changes, 5)
    assert supervisor.media(0) is not channel


async def test_health_and_state_of_a_student_are_reported_and_the_end_too(fleet: Fleet) -> None:
    supervisor, told = fleet
    student = await publish(supervisor)
    await until(lambda: any(one.tracks and one.tracks[0].fps > 10 for one in healths(told)), 10)
    health = healths(told)[-1]
    tracks = {track.role: track for track in health.tracks}
    assert tracks["main"].live
    assert (tracks["main"].width, tracks["main"].height) == (320, 240)
    assert tracks["audio"].live
    assert health.local_candidate == "host"
    await student.close()
    await until(lambda: not any(track.live for track in healths(told)[-1].tracks), 10, "said to be gone")
    states = [message.state for message in told.of("media", PeerState)]  # type: ignore[attr-defined]
    assert states[:2] == ["connecting", "connected"]


def healths(told: Told) -> list[FeedHealth]:
    return [message for _, _, message in told.messages if isinstance(message, FeedHealth)]
