"""What a crash left behind: rebuilds the tail of a recording's index from the directory itself.

Three things can lie there that nobody was told of: a complete file whose report was lost, a `.part`
that plays up to where the process was killed, and a `.part` with nothing in it.
"""

from __future__ import annotations

import errno
import logging
from dataclasses import dataclass
from pathlib import Path

import av

from media_server.remux import Source, copy_packets
from media_server.segment_file import PART, SOUND_ONLY, SegmentName, VideoFormat, open_container, settle

log = logging.getLogger(__name__)

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class FoundSegment:
    name: SegmentName
    format: VideoFormat
    ended_at: float
    size_bytes: int


def salvage(directory: Path, *, first_index: int) -> list[FoundSegment]:
    """Segments from `first_index` on, in order of number, repaired where they needed it; what cannot
    play is removed. Raises OSError where the disk fails."""
    for part in sorted(directory.glob(f"*{PART}")):
        _repair(part, first_index)
    found = []
    for path in sorted(directory.iterdir()):
        name = SegmentName.parse(path.name)
        if name is None or name.index < first_index or path.suffix == PART:
            continue
        segment = _probe(path, name)
        if segment is not None:
            found.append(segment)
    return sorted(found, key=lambda one: one.name.index)


def _repair(part: Path, first_index: int) -> None:
    name = SegmentName.parse(part.name)
    if name is None:
        return
    final = part.with_name(str(name))
    if name.index >= first_index and not final.exists() and not _mend(part, final):
        return
    part.unlink(missing_ok=True)


def _mend(part: Path, final: Path) -> bool:
    """Whether `part` has served its time: mended, or nothing in it. Raises OSError on a full disk."""
    fixed = final.with_name(f"{final.name}.fixed")
    try:
        packets = _rewrite(part, fixed, final.suffix.removeprefix("."))
        if packets:
            settle(fixed, final)
            log.info("salvaged a segment", extra={"file": final.name, "packets": packets})
    except OSError as error:
        if error.errno in DISK_FULL:
            raise
        log.warning("a segment cannot be salvaged now", extra={"file": part.name, "error": str(error)})
        return False
    except (av.FFmpegError, ValueError) as error:
        log.warning("a segment holds nothing that plays", extra={"file": part.name, "error": str(error)})
    finally:
        fixed.unlink(missing_ok=True)
    return True


def _rewrite(part: Path, fixed: Path, suffix: str) -> int:
    """Copy what can be read of `part` into a complete file; how many packets that were."""
    with Source(part) as source, open_container(fixed, suffix, {}) as out:
        streams = {
            stream.index: out.add_stream_from_template(stream, opaque=True) for stream in source.streams
        }
        return copy_packets(source, out, streams)


def _probe(path: Path, name: SegmentName) -> FoundSegment | None:
    """Reads the whole file: a tail, ten seconds long."""
    try:
        with Source(path) as source:
            format = SOUND_ONLY
            if source.video is not None:
                codec = source.video.codec_context
                format = VideoFormat(codec.name, codec.width, codec.height)
            last = max((packet.at for packet in source.packets()), default=None)
    except av.FFmpegError as error:
        log.warning("a segment cannot be read", extra={"file": path.name, "error": str(error)})
        return None
    if last is None:
        return None
    return FoundSegment(name, format, name.started_at + last, path.stat().st_size)
