"""Recordings as files to serve: segments while it runs, one seekable file after the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from core.errors import NotFound, OutOfOrder
from db.attempts import Attempt
from db.database import Database
from db.segments import Segment
from media_server.finalize import Piece, Recording
from media_server.finalize_apart import finalize_apart

AT_ONCE = 1
"""Remuxing an hour takes seconds, and the disk is shared with the recorder."""


class Recordings:
    def __init__(self, database: Database, directory: Path, still_recording: Callable[[str], bool]) -> None:
        self._database = database
        self._still_recording = still_recording
        self._directory = directory.resolve()
        self._joining = asyncio.Semaphore(AT_ONCE)

    def complete(self, attempt: Attempt) -> bool:
        """Whether the attempt is over and its last segment is on disk."""
        return attempt.status.over and not self._still_recording(attempt.id)

    async def whole(self, attempt: Attempt, track: str) -> Recording:
        """Made at the first request, kept afterwards. Raises OutOfOrder while it is still being recorded,
        NotFound where nothing was."""
        if not self.complete(attempt):
            raise OutOfOrder(what="Fetching the whole recording before the end")
        segments = await self._segments(attempt.id, track)
        if not segments:
            raise NotFound(what="recording")
        pieces = [Piece(self._path(one.key), one.started_at, one.ended_at) for one in segments]
        out = self._directory / attempt.id / "finished" / f"{track}.webm"
        async with self._joining:
            return await finalize_apart(pieces, out)

    async def segment(self, attempt_id: str, track: str, number: int) -> Path:
        """Raises NotFound."""
        for one in await self._segments(attempt_id, track):
            if one.number == number:
                return self._existing(one.key)
        raise NotFound(what="segment")

    async def thumbnail(self, attempt_id: str, number: int) -> Path:
        """Raises NotFound."""
        for one in await self._segments(attempt_id, "main"):
            if one.number == number and one.thumbnail_key:
                return self._existing(one.thumbnail_key)
        raise NotFound(what="picture")

    async def _segments(self, attempt_id: str, track: str) -> list[Segment]:
        async with self._database.reading() as tx:
            return await tx.segments.of_attempt(attempt_id, track)

    def _existing(self, key: str) -> Path:
        path = self._path(key)
        if not path.is_file():
            raise NotFound(what="file")
        return path

    def _path(self, key: str) -> Path:
        """Keys come from our own index; one that leaves the directory is refused all the same."""
        path = (self._directory / key).resolve()
        if not path.is_relative_to(self._directory):
            raise NotFound(what="file")
        return path
