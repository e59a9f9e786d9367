"""The analysis process as the supervisor starts it: its own process, real sockets, real packets."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pytest

from config.settings import AnalysisSettings
from config.worker import WorkerSettings
from tests.support.packets import clip_or_skip, packets
from transport.channel import Channel, RequestFailed, Server, connect
from transport.messages import (
    AnyMessage,
    EmbedFace,
    FaceEmbedding,
    FeedEnded,
    Hello,
    KeyframeWanted,
    Message,
    Overlay,
    Problem,
    Sight,
    StudentProfile,
    WantOverlay,
    WorkerStats,
)

M = TypeVar("M", bound=Message)


@dataclass
class Ear:
    """Keeps what is heard and lets a test wait for it."""

    messages: list[AnyMessage] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def hear(self, _: Channel, message: AnyMessage) -> None:
        async with self.changed:
            self.messages.append(message)
            self.changed.notify_all()

    async def first(self, kind: type[M]) -> M:
        async with self.changed:
            await self.changed.wait_for(lambda: any(isinstance(one, kind) for one in self.messages))
            return next(one for one in self.messages if isinstance(one, kind))


@dataclass
class Started:
    process: asyncio.subprocess.Process
    web: Ear
    control: asyncio.Future[Channel]
    listen: Path


@asynccontextmanager
async def started(settings: AnalysisSettings | None = None) -> AsyncIterator[Started]:
    """Unix sockets want short paths, so not pytest's."""
    with TemporaryDirectory() as directory:
        control_path, listen = Path(directory) / "control.sock", Path(directory) / "analysis.sock"
        web = Ear()
        control: asyncio.Future[Channel] = asyncio.get_running_loop().create_future()
        server = Server(control_path, web.hear, control.set_result)
        await server.start()
        given = WorkerSettings(analysis=settings or AnalysisSettings())
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "analyzers.worker",
            "--index", "3", "--control", str(control_path), "--listen", str(listen),
            "--settings", given.model_dump_json(),
        )  # fmt: skip
        try:
            yield Started(process, web, control, listen)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await server.aclose()


async def test_a_student_is_watched_from_packets_to_reports() -> None:
    clip = clip_or_skip("normal")
    async with asyncio.timeout(60), started() as worker:
        hello = await worker.web.first(Hello)
        assert (hello.role, hello.index, hello.pid) == ("analysis", 3, worker.process.pid)
        control = await worker.control
        face = await control.request(EmbedFace(clip.enrolment.read_bytes()), FaceEmbedding, seconds=20)
        control.send(StudentProfile("a", face_embeddings=[face.embedding]))
        control.send(WantOverlay("a", wanted=True))

        media = Ear()
        pushing = await connect(worker.listen, media.hear)
        pushing.send(Hello("media", 0, 1))
        # All at once: no more than the inbox holds while the student's detectors are still being made,
        # or the rest would wait for a keyframe that nobody here sends.
        for packet in packets(clip, "a", begins_at=time.time(), end=2.5):
            pushing.send(packet)
            await asyncio.sleep(0)
        overlay = await worker.web.first(Overlay)
        assert {box.label for box in overlay.boxes} == {"face"}
        sight = await worker.web.first(Sight)
        assert "faces" in sight.running
        pushing.send(FeedEnded("a"))
        asked = await media.first(KeyframeWanted)
        assert asked.attempt_id == "a"
        stats = await worker.web.first(WorkerStats)
        assert (stats.role, stats.index) == ("analysis", 3)
        assert stats.rss_bytes > 10_000_000
        await pushing.aclose()

        worker.process.send_signal(signal.SIGTERM)
        assert await worker.process.wait() == 0


async def test_a_picture_that_cannot_be_enrolled_is_a_problem_not_a_crash() -> None:
    async with asyncio.timeout(60), started() as worker:
        await worker.web.first(Hello)
        control = await worker.control
        with pytest.raises(RequestFailed) as refused:
            await control.request(EmbedFace(b"no picture"), FaceEmbedding, seconds=20)
        assert refused.value.problem.id == "enrolment-refused"
        await control.aclose()
        assert await worker.process.wait() == 0, "it ends with the web process"


async def test_an_engine_that_cannot_load_is_said_before_the_end() -> None:
    async with asyncio.timeout(60), started(AnalysisSettings(faces="yunet")) as worker:
        problem = await worker.web.first(Problem)
        assert problem.id == "engine-unavailable"
        assert "faces = yunet" in problem.detail
        assert await worker.process.wait() == 1
