"""One seekable file from the segments."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import pytest

from core.errors import NotFound
from media_server.finalize import Piece, Recording, finalize, finished
from media_server.finalize_apart import finalize_apart
from media_server.frames import EncodedFrame
from media_server.segmenter import Segmenter
from tests.support.clips import video_clip
from tests.support.footage import (
    T0,
    beep_times,
    beeps,
    decoded,
    flash_times,
    flashes,
    largest_hole,
    sound,
    together,
    video,
    without,
)


def segments(directory: Path, frames: list[EncodedFrame]) -> list[Piece]:
    cutter = Segmenter("a", "main", directory, segment_s=4, next_index=0, last_ended_at=None)
    for frame in frames:
        cutter.write(frame)
    cutter.close()
    return [Piece(directory / one.path, one.started_at, one.ended_at) for one in cutter.written]


def seek_and_decode(recording: Recording, second: float) -> float:
    """The time of the picture a player shows first after seeking."""
    with av.open(str(recording.path)) as container:
        stream = container.streams.video[0]
        container.seek(int(second / stream.time_base), stream=stream)
        return float(next(container.decode(stream)).time)


def test_one_file_of_all_segments_seekable_everywhere(tmp_path: Path) -> None:
    pieces = segments(tmp_path, together(video(30), sound(30)))
    assert len(pieces) > 5
    recording = finalize(pieces, tmp_path / "recording")
    assert (recording.path.name, recording.mime) == ("recording.webm", "video/webm")
    assert (recording.started_at, recording.ended_at) == (T0, pytest.approx(T0 + 30, abs=0.05))
    pictures, _ = decoded(recording.path)
    assert len(pictures) == 450
    for second in (0, 3.3, 11.9, 17, 28.5):
        assert 0 <= second - seek_and_decode(recording, second) <= 1.01  # the keyframe before it


def test_the_index_stands_before_the_media(tmp_path: Path) -> None:
    """A browser that asks for ranges must find it without reading the file's end."""
    recording = finalize(segments(tmp_path, together(video(12), sound(12))), tmp_path / "recording")
    head = recording.path.read_bytes()
    cues, first_cluster = head.find(b"\x1c\x53\xbb\x6b"), head.find(b"\x1f\x43\xb6\x75")
    assert 0 < cues < first_cluster
    with av.open(str(recording.path)) as container:
        assert container.duration == pytest.approx(12e6, abs=1e5)


def test_picture_and_sound_stay_together_across_segments_and_gaps(tmp_path: Path) -> None:
    frames = together(video(40, flashes()), sound(40, beeps(), milliseconds=20))
    recording = finalize(segments(tmp_path, without(frames, 12, 19.5)), tmp_path / "recording")
    lit, heard = flash_times(recording.path), beep_times(recording.path)
    assert [round(at) for at in lit] == [round(at) for at in heard] == [
        second for second in range(1, 40, 2) if not 12 <= second < 20
    ]  # fmt: skip
    for seen, beep in zip(lit, heard, strict=True):
        assert abs(seen - beep) < 0.08


def test_a_gap_keeps_its_length_and_is_filled_with_silence(tmp_path: Path) -> None:
    """Some players close a hole in the sound and lose lip sync from there on."""
    frames = without(together(video(20), sound(20)), 5, 12)
    recording = finalize(segments(tmp_path, frames), tmp_path / "recording")
    pictures, _ = decoded(recording.path)
    assert max(b.time - a.time for a, b in pairwise(pictures)) > 6.9
    assert largest_hole(recording.path) < 0.1


def test_silence_is_laid_in_where_the_encoder_sent_nothing(tmp_path: Path) -> None:
    talk = [frame for frame in sound(12) if (frame.captured_at - T0) % 2 < 0.5]
    recording = finalize(segments(tmp_path, together(video(12), talk)), tmp_path / "recording")
    _, heard = decoded(recording.path)
    assert largest_hole(recording.path) < 0.1
    assert heard[-1].time == pytest.approx(12, abs=0.2)


def test_a_changed_size_plays_on(tmp_path: Path) -> None:
    frames = [*video(5), *video(5, video_clip(640, 480, frames=15), at=T0 + 5, epoch=1)]
    recording = finalize(segments(tmp_path, frames), tmp_path / "recording")
    pictures, _ = decoded(recording.path)
    assert [picture.width for picture in pictures] == [320] * 75 + [640] * 75


@pytest.mark.parametrize("mixed", [False, True], ids=["h264 alone", "vp8, then h264"])
def test_h264(tmp_path: Path, mixed: bool) -> None:
    clip = video_clip(codec="h264", frames=15)
    frames = [*(video(5) if mixed else video(5, clip)), *video(5, clip, at=T0 + 5, epoch=1)]
    recording = finalize(segments(tmp_path, together(frames, sound(10))), tmp_path / "recording")
    assert recording.path.suffix == (".mkv" if mixed else ".mp4")
    with av.open(str(recording.path)) as container:
        shown = [sum(1 for _ in container.decode(stream)) for stream in container.streams.video[:1]]
        tracks = len(container.streams.video)
    assert (shown, tracks) == (([75], 2) if mixed else ([150], 1))
    if not mixed:
        assert recording.path.read_bytes().find(b"moov") < recording.path.read_bytes().find(b"mdat")


def test_done_once_and_told_how_far(tmp_path: Path) -> None:
    pieces = segments(tmp_path, video(12))
    told: list[float] = []
    first = finalize(pieces, tmp_path / "recording", progress=told.append)
    assert told == [pytest.approx((n + 1) / len(pieces)) for n in range(len(pieces))]
    written_at = first.path.stat().st_mtime_ns
    assert finalize(list(reversed(pieces)), tmp_path / "recording", progress=told.append) == first
    assert first.path.stat().st_mtime_ns == written_at
    assert len(told) == len(pieces)
    more = finalize(pieces[:-1], tmp_path / "recording")
    assert more.size_bytes < first.size_bytes, "other pieces are another recording"
    assert not list(tmp_path.glob("*.part"))


def test_a_missing_segment_is_a_gap(tmp_path: Path) -> None:
    pieces = segments(tmp_path, video(12))
    pieces[1].path.unlink()
    recording = finalize(pieces, tmp_path / "recording")
    pictures, _ = decoded(recording.path)
    assert len(pictures) == 120
    assert pictures[-1].time == pytest.approx(12, abs=0.1)


def test_nothing_recorded_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        finalize([], tmp_path / "recording")


async def test_in_a_process_of_its_own_it_is_the_same(tmp_path: Path) -> None:
    pieces = segments(tmp_path, together(video(9), sound(9)))
    told: list[float] = []
    apart = await finalize_apart(pieces, tmp_path / "kept" / "recording", progress=told.append)
    assert told[-1] == 1.0
    assert len(decoded(apart.path)[0]) == 135
    assert finished(pieces, tmp_path / "kept" / "recording") == apart
    assert await finalize_apart(pieces, tmp_path / "kept" / "recording") == apart
    with pytest.raises(NotFound):
        await finalize_apart([Piece(tmp_path / "nothing.webm", T0, T0 + 1)], tmp_path / "other")
    with pytest.raises(OSError, match=r"denied|exist|directory"):
        await finalize_apart(pieces, pieces[0].path / "below" / "a file")
