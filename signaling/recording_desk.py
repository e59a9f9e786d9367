"""What is recorded: when it runs, which segments are on disk, and what is missing, on the record."""

from __future__ import annotations

import logging
from pathlib import Path

from core.errors import ProctorError
from core.kinds import Kind
from db.database import Database, Transaction
from db.segments import RecordingGap, Segment
from signaling.fleet import Fleet
from signaling.incidents_desk import IncidentsDesk
from signaling.rooms import ExamRoom, Rooms
from signaling.seat import Seat
from transport.messages import (
    Done,
    RecordingProblem,
    SegmentWritten,
    StartRecording,
    StopRecording,
    Thumbnail,
)

log = logging.getLogger(__name__)

STOP_S = 30.0
"""How long the last segment may take to reach the disk."""


class RecordingDesk:
    def __init__(
        self,
        *,
        fleet: Fleet,
        database: Database,
        rooms: Rooms,
        incidents: IncidentsDesk,
        directory: Path,
        enabled: bool,
    ) -> None:
        self._fleet = fleet
        self._database = database
        self._rooms = rooms
        self._incidents = incidents
        self._directory = directory
        self._enabled = enabled
        self._thumbnails: dict[str, Thumbnail] = {}
        """The newest of each attempt."""

    async def start(self, room: ExamRoom, seat: Seat) -> None:
        """Begin, or go on where an earlier segment ended. Raises ProctorError while media is down."""
        if not (self._enabled and room.exam.settings.record) or seat.worker is None:
            return
        async with self._database.reading() as tx:
            segments = await tx.segments.of_attempt(seat.attempt_id)
        self._fleet.media(seat.worker).send(
            StartRecording(
                attempt_id=seat.attempt_id,
                directory=str((self._directory / seat.attempt_id).resolve()),
                first_index=max((segment.number + 1 for segment in segments), default=0),
                last_ended_at=max((segment.ended_at for segment in segments), default=None),
            )
        )

    async def stop(self, seat: Seat) -> None:
        """Done once the last segment is on disk. What fails is logged: the segments before it are safe."""
        if seat.worker is None:
            return
        try:
            channel = self._fleet.media(seat.worker)
            await channel.request(StopRecording(attempt_id=seat.attempt_id), Done, seconds=STOP_S)
        except (ProctorError, TimeoutError) as error:
            log.warning(
                "a recording was not closed in order", extra={"attempt": seat.attempt_id, "why": str(error)}
            )

    async def segment(self, message: SegmentWritten) -> None:
        found = self._rooms.find(message.attempt_id)
        if found is None:
            log.warning("a segment of an unknown attempt", extra={"attempt": message.attempt_id})
            return
        thumbnail = await self._thumbnail(message)

        async def work(tx: Transaction) -> None:
            await tx.segments.add(_segment(message, thumbnail))
            if message.gap_before_s:
                await tx.segments.add_gap(_gap(message))

        await self._database.run(work)
        _, seat = found
        self._incidents.end(seat, Kind.RECORDING_GAP, "disk")
        if message.gap_before_s and message.track == "main":
            since = message.started_at - message.gap_before_s
            self._incidents.note(seat, Kind.RECORDING_GAP, since, message.started_at, "missing")

    def problem(self, message: RecordingProblem) -> None:
        log.error(
            "recording stopped",
            extra={"attempt": message.attempt_id, "why": message.reason, "detail": message.detail},
        )
        if message.reason != "no_media" and (found := self._rooms.find(message.attempt_id)):
            self._incidents.begin(found[1], Kind.RECORDING_GAP, "disk")

    def thumbnail(self, message: Thumbnail) -> None:
        self._thumbnails[message.attempt_id] = message

    def forget(self, attempt_id: str) -> None:
        self._thumbnails.pop(attempt_id, None)

    def latest_picture(self, attempt_id: str) -> bytes | None:
        """The newest thumbnail of an attempt under way."""
        newest = self._thumbnails.get(attempt_id)
        return newest.jpeg if newest else None

    async def _thumbnail(self, message: SegmentWritten) -> str | None:
        """A picture for the segment, beside it on disk; its key relative to the recordings."""
        newest = self._thumbnails.get(message.attempt_id)
        if message.track != "main" or newest is None or newest.at < message.started_at:
            return None
        key = f"{message.attempt_id}/thumb-{message.index:05d}.jpg"
        try:
            (self._directory / key).write_bytes(newest.jpeg)  # A few kilobytes.
        except OSError as error:
            log.warning("a thumbnail could not be written", extra={"why": str(error)})
            return None
        return key


def _segment(message: SegmentWritten, thumbnail: str | None) -> Segment:
    return Segment(
        attempt_id=message.attempt_id,
        track=message.track,
        number=message.index,
        key=f"{message.attempt_id}/{message.path}",
        started_at=message.started_at,
        ended_at=message.ended_at,
        codec=message.codec,
        width=message.width,
        height=message.height,
        size=message.size_bytes,
        thumbnail_key=thumbnail,
        gap_before_s=message.gap_before_s,
    )


def _gap(message: SegmentWritten) -> RecordingGap:
    return RecordingGap(
        attempt_id=message.attempt_id,
        track=message.track,
        started_at=message.started_at - message.gap_before_s,
        ended_at=message.started_at,
        reason="nothing arrived or nobody recorded",
    )
