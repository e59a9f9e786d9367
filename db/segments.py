"""The index of the recording: segments on disk, and the gaps between them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import RecordingGapRow, SegmentRow
from db.upsert import upsert


@dataclass(frozen=True, slots=True)
class Segment:
    attempt_id: str
    track: str
    """main or screen."""
    number: int
    """From 0, growing across restarts of the recorder."""
    key: str
    """Where it lies, relative to the recordings' directory."""
    started_at: float
    ended_at: float
    codec: str
    width: int
    height: int
    size: int
    """Bytes."""
    thumbnail_key: str | None = None
    gap_before_s: float = 0.0
    """Missing between the segment before and this one."""


@dataclass(frozen=True, slots=True)
class RecordingGap:
    attempt_id: str
    track: str
    started_at: float
    ended_at: float | None
    reason: str


class Segments:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, segment: Segment) -> None:
        """Twice the same number replaces: a recorder that is unsure whether it said so may say it again."""
        values = dataclasses.asdict(segment)
        await upsert(
            self._session, SegmentRow, values, update=values.keys() - {"attempt_id", "track", "number"}
        )

    async def of_attempt(self, attempt_id: str, track: str | None = None) -> list[Segment]:
        """By track and number."""
        query = select(SegmentRow).where(SegmentRow.attempt_id == attempt_id)
        if track is not None:
            query = query.where(SegmentRow.track == track)
        rows = await self._session.scalars(query.order_by(SegmentRow.track, SegmentRow.number))
        return [_segment(row) for row in rows]

    async def next_number(self, attempt_id: str, track: str) -> int:
        last = await self._session.scalar(
            select(func.max(SegmentRow.number)).where(
                SegmentRow.attempt_id == attempt_id, SegmentRow.track == track
            )
        )
        return 0 if last is None else last + 1

    async def add_gap(self, gap: RecordingGap) -> None:
        self._session.add(RecordingGapRow(**dataclasses.asdict(gap)))
        await self._session.flush()

    async def close_gaps(self, attempt_id: str, track: str, ended_at: float) -> int:
        """End the gaps that are still open; how many there were."""
        rows = await self._session.scalars(
            select(RecordingGapRow).where(
                RecordingGapRow.attempt_id == attempt_id,
                RecordingGapRow.track == track,
                RecordingGapRow.ended_at.is_(None),
            )
        )
        open_gaps = list(rows)
        for row in open_gaps:
            row.ended_at = ended_at
        await self._session.flush()
        return len(open_gaps)

    async def gaps(self, attempt_id: str) -> list[RecordingGap]:
        """By start."""
        rows = await self._session.scalars(
            select(RecordingGapRow)
            .where(RecordingGapRow.attempt_id == attempt_id)
            .order_by(RecordingGapRow.started_at, RecordingGapRow.id)
        )
        return [
            RecordingGap(row.attempt_id, row.track, row.started_at, row.ended_at, row.reason) for row in rows
        ]


def _segment(row: SegmentRow) -> Segment:
    return Segment(
        attempt_id=row.attempt_id,
        track=row.track,
        number=row.number,
        key=row.key,
        started_at=row.started_at,
        ended_at=row.ended_at,
        codec=row.codec,
        width=row.width,
        height=row.height,
        size=row.size,
        thumbnail_key=row.thumbnail_key,
        gap_before_s=row.gap_before_s,
    )
