"""The recording's index: numbers that go on after a restart, gaps that are said."""

from __future__ import annotations

from dataclasses import replace

from db.database import Database
from db.segments import RecordingGap, Segment
from tests.db.people import make_sitting


def segment(attempt_id: str, number: int, track: str = "main") -> Segment:
    return Segment(
        attempt_id=attempt_id,
        track=track,
        number=number,
        key=f"{attempt_id}/{track}-{number:05d}.webm",
        started_at=100.000001 + 10 * number,
        ended_at=110.000001 + 10 * number,
        codec="vp8",
        width=640,
        height=480,
        size=5_000_000_000,
    )


async def test_segments_come_back_in_order(database: Database) -> None:
    attempt_id = (await make_sitting(database)).attempt.id
    main = [segment(attempt_id, number) for number in range(3)]
    screen = segment(attempt_id, 0, "screen")
    async with database.transaction() as tx:
        for each in (main[2], screen, main[0], main[1]):
            await tx.segments.add(each)

    async with database.reading() as tx:
        assert await tx.segments.of_attempt(attempt_id) == [*main, screen]
        assert await tx.segments.of_attempt(attempt_id, "screen") == [screen]
        assert await tx.segments.next_number(attempt_id, "main") == 3
        assert await tx.segments.next_number(attempt_id, "other") == 0


async def test_saying_a_segment_twice_keeps_the_latter(database: Database) -> None:
    attempt_id = (await make_sitting(database)).attempt.id
    first = segment(attempt_id, 0)
    second = replace(first, size=7, thumbnail_key="t.jpg", gap_before_s=0.5)
    for each in (first, second):
        async with database.transaction() as tx:
            await tx.segments.add(each)

    async with database.reading() as tx:
        assert await tx.segments.of_attempt(attempt_id) == [second]


async def test_gaps_stay_open_until_closed(database: Database) -> None:
    attempt_id = (await make_sitting(database)).attempt.id
    gap = RecordingGap(attempt_id, "main", 120.5, None, "the media process restarted")
    async with database.transaction() as tx:
        await tx.segments.add_gap(gap)
    async with database.transaction() as tx:
        assert await tx.segments.gaps(attempt_id) == [gap]
        assert await tx.segments.close_gaps(attempt_id, "screen", 1.0) == 0
        assert await tx.segments.close_gaps(attempt_id, "main", 123.0) == 1
        assert await tx.segments.close_gaps(attempt_id, "main", 999.0) == 0

    async with database.reading() as tx:
        assert await tx.segments.gaps(attempt_id) == [replace(gap, ended_at=123.0)]
