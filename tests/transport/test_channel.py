"""Two real ends of a Unix socket: requests, events, refusals, and a far end that goes or never reads."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from core.errors import NotFound
from core.findings import Box, Finding, Phase
from core.kinds import Kind
from transport import channel as channel_module
from transport.channel import Channel, ChannelClosed, RequestFailed, Server, connect
from transport.messages import (
    AnyMessage,
    Done,
    EmbedFace,
    FaceEmbedding,
    FindingReport,
    ForgetStudent,
    Hello,
    Packet,
    StopRecording,
)


class Far:
    """The listening side: keeps what it hears, answers EmbedFace, refuses StopRecording."""

    def __init__(self, path: Path) -> None:
        self.heard: list[AnyMessage] = []
        self.news = asyncio.Event()
        self.channels: list[Channel] = []
        self.server = Server(path, self.handle, self.channels.append)

    async def handle(self, channel: Channel, message: AnyMessage) -> AnyMessage | None:
        self.heard.append(message)
        self.news.set()
        match message:
            case EmbedFace():
                return FaceEmbedding(embedding=[0.5], quality=1.0, box=Box(0, 0, 1, 1, "face"))
            case StopRecording(attempt_id="missing"):
                raise NotFound(what="attempt")
            case StopRecording():
                raise RuntimeError("bug")
        return None


async def ignore(channel: Channel, message: AnyMessage) -> None:
    return None


@pytest.fixture
async def far(tmp_path: Path) -> AsyncIterator[Far]:
    far = Far(tmp_path / "far.sock")
    await far.server.start()
    yield far
    await far.server.aclose()


@pytest.fixture
async def near(far: Far, tmp_path: Path) -> AsyncIterator[Channel]:
    near = await connect(tmp_path / "far.sock", ignore)
    yield near
    await near.aclose()
    await near.aclose()


FINDING = FindingReport(
    attempt_id="a",
    finding=Finding("f", Kind.PHONE, "objects", Phase.START, 2.0, 1.0, 0.8, (Box(0, 0, 1, 1, "phone"),)),
    evidence_jpeg=b"\xff\xd8",
)


async def test_an_event_arrives_as_it_was(far: Far, near: Channel) -> None:
    assert near.send(FINDING)
    await far.news.wait()
    assert far.heard == [FINDING]


async def test_requests_are_answered_each_with_its_own_reply(near: Channel) -> None:
    replies = await asyncio.gather(*(near.request(EmbedFace(jpeg=b"x"), FaceEmbedding) for _ in range(20)))
    assert [reply.embedding for reply in replies] == [[0.5]] * 20


@pytest.mark.parametrize(("attempt", "id"), [("missing", "not-found"), ("other", "internal")])
async def test_a_refusal_comes_back_with_its_id(near: Channel, attempt: str, id: str) -> None:
    with pytest.raises(RequestFailed) as caught:
        await near.request(StopRecording(attempt_id=attempt), Done)
    assert caught.value.problem.id == id


async def test_a_far_end_that_goes_fails_what_waits(far: Far, near: Channel) -> None:
    waiting = asyncio.create_task(near.request(ForgetStudent(attempt_id="a"), Done))
    await far.news.wait()
    await far.channels[0].aclose()
    with pytest.raises(ChannelClosed):
        await waiting
    assert near.closed.is_set()
    assert not near.send(Done())
    with pytest.raises(ChannelClosed):
        await near.request(Done(), Done)


async def test_a_reader_that_sleeps_never_stops_the_sender(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module, "WRITE_BUFFER_BYTES", 100_000)

    async def never_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]

    path = tmp_path / "sleepy.sock"
    server = await asyncio.start_unix_server(never_read, path=str(path))
    channel = await connect(path, ignore)
    packet = Packet("a", "main", "vp8", 0, 0.0, True, b"x" * 50_000)
    sent = [channel.send(packet) for _ in range(100)]
    assert sent[0]
    assert not sent[-1]
    assert channel.dropped == sent.count(False)
    await channel.aclose()
    server.close()


async def test_garbage_ends_the_channel_and_nothing_else(far: Far, tmp_path: Path, near: Channel) -> None:
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "far.sock"))
    writer.write(b"\x00\x00\x00\x05hello")
    assert await reader.read() == b""
    writer.close()
    near.send(Hello(role="media", index=0, pid=1))
    await far.news.wait()
    assert far.heard == [Hello(role="media", index=0, pid=1)]


def test_every_message_survives_the_wire() -> None:
    decoder = msgspec.msgpack.Decoder(channel_module.Envelope)
    for message in (FINDING, Done(), Packet("a", "audio", "opus", 2**32 - 1, 1.5, True, b"")):
        envelope = channel_module.Envelope(1, 2, message)
        assert decoder.decode(msgspec.msgpack.encode(envelope)) == envelope
