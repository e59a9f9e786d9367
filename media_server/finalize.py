"""After the end: one seekable file of an attempt's track, remuxed from its segments, nothing decoded.

Time 0 of the file is the start of the first segment; real gaps stay gaps, so that an incident at T is
found at `T - started_at`. Where sound is missing (a gap, or an encoder that sends nothing in silence)
packets of silence are laid in: some players close such a hole and lose lip sync. The index stands at
the front, so that a browser seeks with range requests. Plain and synchronous; `finalize_apart` runs it in a
process of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from core.errors import NotFound
from media_server import opus
from media_server.remux import Source, TimedPacket
from media_server.segment_file import MILLISECONDS, PART, add_sound, open_container, settle

log = logging.getLogger(__name__)

Progress = Callable[[float], None]
"""Told the share that is done, 0-1."""
_MIME = {"webm": "video/webm", "mp4": "video/mp4", "mkv": "video/x-matroska"}
_TAG = "comment"
"""Container metadata that every format here keeps: what the file was made of."""
_SILENCE_FROM_MS = 30.0
"""A smaller hole is jitter."""
_END_MS = 10
"""How far the last silence may end before the end."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment: the file, and when it began and ended (server's UNIX seconds)."""

    path: Path
    started_at: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class Recording:
    """A finished file. A moment `at` of the exam lies at `at - started_at` seconds in it."""

    path: Path
    started_at: float
    ended_at: float
    size_bytes: int
    mime: str


def finished(pieces: Sequence[Piece], out: Path) -> Recording | None:
    """What `finalize` made of just these pieces earlier, if it did; cheap enough for every request."""
    ordered = _ordered(pieces)
    fingerprint = _fingerprint(ordered)
    for suffix in _MIME:
        final = out.with_suffix(f".{suffix}")
        if _made_of(final, fingerprint):
            return _recording(ordered, final)
    return None


def finalize(pieces: Sequence[Piece], out: Path, *, progress: Progress | None = None) -> Recording:
    """Write `out` with the suffix that fits its codecs (webm, mp4, mkv); atomic, and done once: the same
    pieces again return what is there. Pieces of one track, any order; one that is missing or unreadable
    becomes a gap. Raises NotFound where nothing can be read, OSError where the disk fails."""
    if (done := finished(pieces, out)) is not None:
        return done
    ordered = _ordered(pieces)
    models = _stream_models(ordered)
    if not models:
        raise NotFound(what="recording")
    suffix = _suffix(models.keys())
    final = out.with_suffix(f".{suffix}")
    final.parent.mkdir(parents=True, exist_ok=True)
    part = final.with_name(final.name + PART)
    _write(_Joiner(part, suffix, ordered, models, _fingerprint(ordered)), ordered, progress)
    settle(part, final)
    return _recording(ordered, final)


def _ordered(pieces: Sequence[Piece]) -> list[Piece]:
    return sorted(pieces, key=lambda piece: piece.started_at)


def _recording(pieces: Sequence[Piece], final: Path) -> Recording:
    ended_at = max(piece.ended_at for piece in pieces)
    mime = _MIME[final.suffix.removeprefix(".")]
    return Recording(final, pieces[0].started_at, ended_at, final.stat().st_size, mime)


def _stream_models(pieces: Sequence[Piece]) -> dict[str, Path]:
    """codec -> a file that has it."""
    found: dict[str, Path] = {}
    for piece in pieces:
        with contextlib.suppress(OSError, av.FFmpegError), Source(piece.path) as source:
            for stream in source.streams:
                found.setdefault(stream.codec_context.name, piece.path)
    return found


def _suffix(codecs: Collection[str]) -> str:
    if "h264" not in codecs:
        return "webm"
    return "mkv" if "vp8" in codecs else "mp4"


def _fingerprint(pieces: Sequence[Piece]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        size = piece.path.stat().st_size if piece.path.exists() else 0
        digest.update(f"{piece.path.name} {size} {piece.started_at:.3f} {piece.ended_at:.3f}\n".encode())
    return f"segments {digest.hexdigest()}"


def _made_of(file: Path, fingerprint: str) -> bool:
    if not file.exists():
        return False
    with contextlib.suppress(OSError, av.FFmpegError), av.open(str(file)) as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
        return tags.get(_TAG) == fingerprint
    return False


def _write(joiner: _Joiner, pieces: Sequence[Piece], progress: Progress | None) -> None:
    with contextlib.closing(joiner):
        for number, piece in enumerate(pieces, 1):
            joiner.append(piece)
            if progress is not None:
                progress(number / len(pieces))
        joiner.end()


class _Joiner:
    """Lays segments along one time line, in milliseconds from the first one's start."""

    def __init__(
        self, out: Path, suffix: str, pieces: Sequence[Piece], models: Mapping[str, Path], fingerprint: str
    ) -> None:
        options = {"movflags": "+faststart"} if suffix == "mp4" else {"cues_to_front": "1"}
        self._container = open_container(out, suffix, options)
        self._container.metadata[_TAG] = fingerprint
        self._origin = pieces[0].started_at
        self._end_ms = 1000 * (max(piece.ended_at for piece in pieces) - self._origin)
        self._video: dict[str, Any] = {}
        self._sound: Any = None
        self._declare(models)
        self._last_ms: dict[int, int] = {}
        self._heard_until_ms = 0.0

    def _declare(self, models: Mapping[str, Path]) -> None:
        """All streams must be known before the first packet: one for each video codec, one for sound."""
        for codec, path in models.items():
            if codec == "opus":
                continue
            with Source(path) as source:
                model: Any = source.video
                self._video[codec] = self._container.add_stream_from_template(model, opaque=True)
        if "opus" in models:
            self._sound = add_sound(self._container)

    def close(self) -> None:
        self._container.close()

    def append(self, piece: Piece) -> None:
        try:
            source = Source(piece.path)
        except (OSError, av.FFmpegError) as error:
            log.warning("a segment is missing", extra={"file": piece.path.name, "error": str(error)})
            return
        offset_ms = 1000 * (piece.started_at - self._origin)
        with source:
            video = source.video and self._video[source.video.codec_context.name]
            for timed in source.packets():
                at_ms = offset_ms + 1000 * timed.at
                if timed.is_video:
                    self._put(video, timed.packet, round(at_ms))
                else:
                    self._hear(timed, at_ms)
        if self._sound is not None:
            # Silence is laid in piece by piece, so that sound never lies far behind its picture.
            self._hush(1000 * (piece.ended_at - self._origin) - 1000)

    def end(self) -> None:
        if self._sound is not None:
            self._hush(self._end_ms)

    def _hear(self, timed: TimedPacket, at_ms: float) -> None:
        if at_ms > self._heard_until_ms + _SILENCE_FROM_MS:
            self._hush(at_ms)
        self._put(self._sound, timed.packet, round(at_ms))
        self._heard_until_ms = at_ms + opus.duration_ms(bytes(timed.packet))

    def _hush(self, until_ms: float) -> None:
        while self._heard_until_ms + _END_MS < until_ms:
            self._put(self._sound, av.Packet(opus.SILENCE), round(self._heard_until_ms))
            self._heard_until_ms += opus.SILENCE_MS

    def _put(self, stream: Any, packet: Any, at_ms: int) -> None:
        """Time grows within a stream; what would go back (two pieces overlap) is left out."""
        if at_ms <= self._last_ms.get(stream.index, -1):
            return
        self._last_ms[stream.index] = at_ms
        packet.stream = stream
        packet.time_base = Fraction(MILLISECONDS)
        packet.pts = packet.dts = at_ms
        packet.duration = 0
        self._container.mux(packet)
