"""Evidence on disk (core.ports.EvidenceStore): one directory an attempt, one file an object.

A key is `<attempt>/<name>`. A file is there whole or not at all: it is written beside its place,
flushed to the disk and then renamed. Deleting an attempt takes its directory out of reach first, so
that a crash half-way leaves nothing that can still be fetched; `sweep` finishes what a crash left.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import uuid
from pathlib import Path

from core.errors import NotFound
from core.ports import Clock
from db.database import Database
from db.evidence import EvidenceObject

_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
"""One step of a key. No leading dot: no parent, nothing hidden, and none of our own temporary files."""
MAX_KEY = 255
_PARTIAL = ".partial-"
_DELETED = ".deleted-"


class DiskEvidence:
    """Only the files. `IndexedEvidence` also keeps track of them in the database."""

    def __init__(self, directory: Path) -> None:
        """The directory is made at the first `put`."""
        self._directory = directory

    async def put(self, attempt_id: str, name: str, data: bytes) -> str:
        """Store durably and return the key; what was there under this name is replaced.

        Raises ValueError for a name that is no plain relative path, OSError where the disk refuses.
        """
        key = make_key(attempt_id, name)
        await asyncio.to_thread(_write, self._directory, key, data)
        return key

    async def get(self, key: str) -> bytes:
        """Raises NotFound, for keys that cannot exist too."""
        if not is_key(key):
            raise NotFound(what="evidence")
        try:
            return await asyncio.to_thread(self.path(key).read_bytes)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFound(what="evidence") from None

    async def delete_attempt(self, attempt_id: str) -> int:
        """Remove everything kept of an attempt; the number of objects removed."""
        if not _PART.fullmatch(attempt_id):
            raise ValueError(f"not an attempt id: {attempt_id!r}")
        return await asyncio.to_thread(_delete, self._directory, attempt_id)

    async def delete(self, key: str) -> None:
        """Remove one object, where there is one."""
        if is_key(key):
            await asyncio.to_thread(self.path(key).unlink, missing_ok=True)

    async def sweep(self) -> int:
        """Remove what a crash left half written or half deleted; call before the first `put`."""
        return await asyncio.to_thread(_sweep, self._directory)

    def path(self, key: str) -> Path:
        """Where an object lies, for serving it as a file. Raises NotFound for what is no key."""
        if not is_key(key):
            raise NotFound(what="evidence")
        return self._directory / key


class IndexedEvidence:
    """core.ports.EvidenceStore: files on disk, and a row for each with its size and hash."""

    def __init__(self, files: DiskEvidence, database: Database, *, clock: Clock) -> None:
        self._files = files
        self._database = database
        self._clock = clock

    async def put(self, attempt_id: str, name: str, data: bytes, *, kind: str = "incident") -> str:
        """As DiskEvidence. An attempt the database does not know is refused and nothing is kept."""
        key = await self._files.put(attempt_id, name, data)
        stored = EvidenceObject(
            key=key,
            attempt_id=attempt_id,
            kind=kind,
            created_at=self._clock(),
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )
        try:
            await self._database.run(lambda tx: tx.evidence.add(stored))
        except BaseException:
            await self._files.delete(key)
            raise
        return key

    async def get(self, key: str) -> bytes:
        """Raises NotFound."""
        return await self._files.get(key)

    async def delete_attempt(self, attempt_id: str) -> int:
        """Files first: a crash in between leaves rows that say what is gone, never forgotten files."""
        removed = await self._files.delete_attempt(attempt_id)
        await self._database.run(lambda tx: tx.evidence.remove_attempt(attempt_id))
        return removed


def is_key(key: str) -> bool:
    parts = key.split("/")
    return len(key) <= MAX_KEY and len(parts) >= 2 and all(_PART.fullmatch(part) for part in parts)


def make_key(attempt_id: str, name: str) -> str:
    key = f"{attempt_id}/{name}"
    if "/" in attempt_id or not is_key(key):
        raise ValueError(f"not a name for evidence: {attempt_id!r}, {name!r}")
    return key


def _write(directory: Path, key: str, data: bytes) -> None:
    target = directory / key
    _make_directories(target.parent)
    partial = target.parent / f"{_PARTIAL}{uuid.uuid4().hex}"
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _flush_directory(target.parent)


def _make_directories(directory: Path) -> None:
    """With their names flushed to the disk: a file in a directory that is lost is lost too."""
    if directory.is_dir():
        return
    _make_directories(directory.parent)
    directory.mkdir(mode=0o700, exist_ok=True)
    _flush_directory(directory.parent)


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _delete(directory: Path, attempt_id: str) -> int:
    doomed = directory / f"{_DELETED}{uuid.uuid4().hex}"
    try:
        (directory / attempt_id).rename(doomed)
    except FileNotFoundError:
        return 0
    _flush_directory(directory)
    count = sum(1 for file in doomed.rglob("*") if file.is_file() and not file.name.startswith("."))
    shutil.rmtree(doomed)
    return count


def _sweep(directory: Path) -> int:
    left_over = [*directory.glob(f"{_DELETED}*"), *directory.rglob(f"{_PARTIAL}*")]
    for path in left_over:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return len(left_over)
