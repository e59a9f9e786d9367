"""Evidence lies on the disk whole or not at all, stays inside its directory, and goes when told to."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from core.errors import NotFound
from db.database import Database
from db.objects import DiskEvidence, IndexedEvidence
from tests.db.conftest import HandClock
from tests.db.people import make_sitting


@pytest.fixture
def store(tmp_path: Path) -> DiskEvidence:
    return DiskEvidence(tmp_path / "evidence")


def files(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


async def test_what_was_put_can_be_got_by_its_key(store: DiskEvidence, tmp_path: Path) -> None:
    key = await store.put("attempt-1", "incidents/phone.jpg", b"\xff\xd8 picture")

    assert key == "attempt-1/incidents/phone.jpg"
    assert await store.get(key) == b"\xff\xd8 picture"
    assert files(tmp_path) == [f"evidence/{key}"], "no temporary file stays"
    assert (tmp_path / "evidence" / "attempt-1").stat().st_mode & 0o077 == 0


async def test_put_again_replaces(store: DiskEvidence) -> None:
    await store.put("a", "x.jpg", b"one")
    key = await store.put("a", "x.jpg", b"two")

    assert await store.get(key) == b"two"


async def test_many_at_once_never_show_half_a_file(store: DiskEvidence) -> None:
    bodies = [bytes([number]) * 100_000 for number in range(8)]
    await asyncio.gather(*(store.put("a", "same.bin", body) for body in bodies))

    assert await store.get("a/same.bin") in bodies


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../b/x", "/etc/passwd", "a/../../x", "a//b", ".partial-1", "a\0b", "a\\b", "x" * 300],
)
async def test_names_that_lead_elsewhere_are_refused(store: DiskEvidence, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        await store.put("attempt", name, b"x")
    assert files(tmp_path) == []


@pytest.mark.parametrize("attempt_id", ["", "..", ".", "a/b", "/", ".deleted-1"])
async def test_attempts_that_lead_elsewhere_are_refused(store: DiskEvidence, attempt_id: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        await store.put(attempt_id, "x", b"x")
    with pytest.raises(ValueError, match="not an attempt"):
        await store.delete_attempt(attempt_id)


@pytest.mark.parametrize(
    "key", ["../secret", "a/../../secret", "/etc/passwd", "secret", "", "a/none.jpg", "a/x.jpg/y", "a/deep"]
)
async def test_keys_that_lead_elsewhere_find_nothing(store: DiskEvidence, tmp_path: Path, key: str) -> None:
    (tmp_path / "secret").write_text("secret")
    await store.put("a", "x.jpg", b"x")
    await store.put("a", "deep/y.jpg", b"y")

    with pytest.raises(NotFound):
        await store.get(key)


async def test_deleting_an_attempt_reaches_the_disk_and_nobody_else(
    store: DiskEvidence, tmp_path: Path
) -> None:
    for attempt_id in ("a", "b"):
        await store.put(attempt_id, "enrolment.jpg", b"face")
        await store.put(attempt_id, "incidents/1.jpg", b"phone")

    assert await store.delete_attempt("a") == 2
    assert await store.delete_attempt("a") == 0
    assert files(tmp_path / "evidence") == ["b/enrolment.jpg", "b/incidents/1.jpg"]
    with pytest.raises(NotFound):
        await store.get("a/enrolment.jpg")


async def test_a_disk_that_refuses_leaves_nothing(
    store: DiskEvidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    await store.put("a", "x.jpg", b"before")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            await store.put("a", "x.jpg", b"after")

    assert await store.get("a/x.jpg") == b"before"
    assert files(tmp_path / "evidence") == ["a/x.jpg"]


async def test_sweep_finishes_what_a_crash_left(store: DiskEvidence, tmp_path: Path) -> None:
    await store.put("a", "x.jpg", b"x")
    (tmp_path / "evidence" / "a" / ".partial-1").write_bytes(b"half")
    (tmp_path / "evidence" / ".deleted-2").mkdir()
    (tmp_path / "evidence" / ".deleted-2" / "y.jpg").write_bytes(b"y")

    assert await store.sweep() == 2
    assert files(tmp_path / "evidence") == ["a/x.jpg"]


async def test_indexed_evidence_is_in_the_database_with_its_hash(
    store: DiskEvidence, database: Database, clock: HandClock
) -> None:
    attempt_id = (await make_sitting(database)).attempt.id
    evidence = IndexedEvidence(store, database, clock=clock)
    key = await evidence.put(attempt_id, "face.jpg", b"face", kind="enrolment")

    async with database.reading() as tx:
        (row,) = await tx.evidence.of_attempt(attempt_id)
        assert row == await tx.evidence.get(key)
    assert (row.kind, row.size, row.sha256, row.created_at) == (
        "enrolment",
        4,
        hashlib.sha256(b"face").hexdigest(),
        clock.now,
    )
    assert await evidence.get(key) == b"face"


async def test_deleting_removes_files_and_rows(
    store: DiskEvidence, database: Database, clock: HandClock, tmp_path: Path
) -> None:
    attempt_id = (await make_sitting(database)).attempt.id
    evidence = IndexedEvidence(store, database, clock=clock)
    key = await evidence.put(attempt_id, "1.jpg", b"one")
    await evidence.put(attempt_id, "2.jpg", b"two")

    assert await evidence.delete_attempt(attempt_id) == 2
    assert files(tmp_path / "evidence") == []
    async with database.reading() as tx:
        assert await tx.evidence.of_attempt(attempt_id) == []
        with pytest.raises(NotFound):
            await tx.evidence.get(key)


async def test_evidence_of_nobody_is_not_kept(
    store: DiskEvidence, database: Database, clock: HandClock, tmp_path: Path
) -> None:
    with pytest.raises(IntegrityError):
        await IndexedEvidence(store, database, clock=clock).put("nobody", "1.jpg", b"one")
    assert files(tmp_path / "evidence") == []
