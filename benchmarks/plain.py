"""The plain pipeline: what one would write first with the same libraries, as the baseline.

Stock aiortc receives and decodes; the same detectors look at every frame (15 a second, or as many as
they manage: the newest frame wins, else it would drown); the annotated frame is encoded again for
each watcher; `MediaRecorder` writes the file. One process, detectors in a thread, as its users do.

Run as a process of its own: `python -m benchmarks.plain --port N --directory D`.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from aiohttp import web
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRecorder, MediaRelay
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, AudioResampler, VideoFrame

from analyzers.base import Detector
from analyzers.enrolment import Enrolment
from analyzers.models import ModelStore
from analyzers.registry import build, enroller
from analyzers.settings import VisionSettings
from core.findings import Observation
from core.samples import SAMPLE_RATE, AudioChunk, VideoSample

_EYES = frozenset({"faces", "identity", "gaze", "objects", "scene"})
_EARS = frozenset({"speech"})


@dataclass
class Looker:
    """All detectors of one student, run on everything they are given."""

    eyes: list[Detector[VideoSample]]
    ears: list[Detector[AudioChunk]]
    looks: int = 0

    def look(self, sample: VideoSample) -> list[Observation]:
        self.looks += 1
        return [seen for detector in self.eyes for seen in detector.observe(sample)]

    def listen(self, chunk: AudioChunk) -> list[Observation]:
        return [heard for detector in self.ears for heard in detector.observe(chunk)]


class AnnotatedTrack(MediaStreamTrack):
    """Decoded frames in, frames with boxes out; each watcher's sender encodes them again."""

    kind = "video"

    def __init__(self, source: MediaStreamTrack, looker: Looker) -> None:
        super().__init__()
        self._source = source
        self._looker = looker

    async def recv(self) -> VideoFrame:
        frame: VideoFrame = await self._newest()
        image = frame.to_ndarray(format="bgr24")
        sample = VideoSample(at=frame.time or 0.0, image=np.ascontiguousarray(image))
        observations = await asyncio.to_thread(self._looker.look, sample)
        for box in (box for observation in observations for box in observation.boxes):
            corner = (int(box.left * sample.width), int(box.top * sample.height))
            opposite = (int(box.right * sample.width), int(box.bottom * sample.height))
            cv2.rectangle(image, corner, opposite, (0, 0, 255), 2)
        annotated = VideoFrame.from_ndarray(image, format="bgr24")
        annotated.pts, annotated.time_base = frame.pts, frame.time_base
        return annotated

    async def _newest(self) -> VideoFrame:
        """Drop what piled up while the detectors looked."""
        frame = cast(VideoFrame, await self._source.recv())
        queue: asyncio.Queue[VideoFrame | None] = self._source._queue  # type: ignore[attr-defined]
        while not queue.empty():
            newer = queue.get_nowait()
            if newer is None:
                raise MediaStreamError
            frame = newer
        return frame


class PlainServer:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._relay = MediaRelay()
        self._store = ModelStore()
        self._connections: list[RTCPeerConnection] = []
        self._recorders: list[MediaRecorder] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._annotated: list[MediaStreamTrack] = []
        self._lookers: list[Looker] = []

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2**22)
        app.router.add_post("/publish", self.publish)
        app.router.add_post("/watch", self.watch)
        app.router.add_get("/looks", self.looks)
        app.on_cleanup.append(self._close)
        return app

    async def publish(self, request: web.Request) -> web.Response:
        body = await request.json()
        connection = self._connect()
        enrolment = await asyncio.to_thread(self._enrol, Path(body["enrolment"]))
        panel = [placed.detector for placed in build(VisionSettings(), self._store, enrolment)]
        looker = Looker(
            eyes=[detector for detector in panel if detector.name in _EYES],
            ears=[detector for detector in panel if detector.name in _EARS],
        )
        self._lookers.append(looker)
        recorder = MediaRecorder(str(self._directory / f"{len(self._recorders)}.mkv"))
        self._recorders.append(recorder)

        @connection.on("track")
        def on_track(track: MediaStreamTrack) -> None:
            recorder.addTrack(self._relay.subscribe(track))
            if track.kind == "video":
                self._annotated.append(AnnotatedTrack(self._relay.subscribe(track), looker))
            else:
                listening = self._listen(self._relay.subscribe(track), looker)
                self._tasks.append(asyncio.create_task(listening))

        answer = await self._answer(connection, body)
        await recorder.start()
        return answer

    async def watch(self, request: web.Request) -> web.Response:
        body = await request.json()
        connection = self._connect()
        await connection.setRemoteDescription(RTCSessionDescription(body["sdp"], "offer"))
        slots = [slot for slot in connection.getTransceivers() if slot.kind == "video"]
        for slot, track in zip(slots, self._annotated, strict=False):
            slot.sender.replaceTrack(self._relay.subscribe(track))
            slot.direction = "sendonly"
        await connection.setLocalDescription(await connection.createAnswer())
        return web.json_response({"sdp": connection.localDescription.sdp})

    async def looks(self, request: web.Request) -> web.Response:
        return web.json_response([looker.looks for looker in self._lookers])

    def _enrol(self, picture: Path) -> Enrolment:
        """Whom identity is compared with, as in ours."""
        image = cv2.imread(str(picture))
        return enroller(VisionSettings(), self._store).embed(np.ascontiguousarray(image, np.uint8))

    def _connect(self) -> RTCPeerConnection:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connections.append(connection)
        return connection

    async def _answer(self, connection: RTCPeerConnection, body: dict[str, str]) -> web.Response:
        await connection.setRemoteDescription(RTCSessionDescription(body["sdp"], "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        return web.json_response({"sdp": connection.localDescription.sdp})

    async def _listen(self, track: MediaStreamTrack, looker: Looker) -> None:
        resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        while True:
            try:
                frame = cast(AudioFrame, await track.recv())
            except MediaStreamError:
                return
            for piece in resampler.resample(frame):
                samples = piece.to_ndarray().reshape(-1).astype(np.int16)
                await asyncio.to_thread(looker.listen, AudioChunk(at=frame.time or 0.0, samples=samples))

    async def _close(self, app: web.Application) -> None:
        for task in self._tasks:
            task.cancel()
        for recorder in self._recorders:
            await recorder.stop()
        for connection in self._connections:
            await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    arguments = parser.parse_args()
    web.run_app(PlainServer(arguments.directory).app(), host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()
