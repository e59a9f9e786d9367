"""Finalizing in a process of its own: an hour of recording takes seconds of a processor, and Python's lock
with it, which the web process needs for the exams that go on.

The child reads one JSON job from standard input, and writes one JSON line for each step of progress and one
for the outcome.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path

import msgspec

from core.errors import NotFound
from media_server.finalize import Piece, Progress, Recording, finalize, finished

_NICENESS = 10


class _Job(msgspec.Struct, frozen=True):
    pieces: list[Piece]
    out: Path


class _Said(msgspec.Struct, frozen=True, omit_defaults=True):
    progress: float | None = None
    recording: Recording | None = None
    missing: bool = False
    """Nothing can be read."""
    error: str = ""


async def finalize_apart(
    pieces: Sequence[Piece], out: Path, *, progress: Progress | None = None
) -> Recording:
    """`finalize`, without a word of its work in this process; cancelling it ends the child. Raises NotFound,
    OSError as that does."""
    done = await asyncio.to_thread(finished, pieces, out)
    if done is not None:
        return done
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, stdin=PIPE, stdout=PIPE)
    try:
        return await _converse(process, _Job(list(pieces), out), progress)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _converse(process: Process, job: _Job, progress: Progress | None) -> Recording:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(msgspec.json.encode(job, enc_hook=str))
    process.stdin.close()
    async for line in process.stdout:
        said = msgspec.json.decode(line, type=_Said, dec_hook=_path)
        if said.recording is not None:
            return said.recording
        if said.missing:
            raise NotFound(what="recording")
        if said.error:
            raise OSError(said.error)
        if progress is not None and said.progress is not None:
            progress(said.progress)
    raise OSError("the process that joins recordings ended without a word")


def _path(kind: type, value: object) -> Path:
    assert kind is Path
    return Path(str(value))


def _say(said: _Said) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(said, enc_hook=str) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    os.nice(_NICENESS)
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=_Job, dec_hook=_path)
    try:
        recording = finalize(job.pieces, job.out, progress=lambda share: _say(_Said(progress=share)))
    except NotFound:
        _say(_Said(missing=True))
    except OSError as error:
        _say(_Said(error=str(error)))
    else:
        _say(_Said(recording=recording))


if __name__ == "__main__":
    main()
