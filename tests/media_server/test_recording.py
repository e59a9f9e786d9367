"""A recording that survives crashes and full disks, and tells of what is missing."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from media_server.finalize import Piece, finalize
from media_server.frames import EncodedFrame, TrackRole
from media_server.recording import AttemptRecording, RecordingOptions
from media_server.segment_file import PART
from tests.support.footage import T0, beep_times, beeps, decoded, flash_times, flashes, sound, together, video
from transport.messages import RecordingProblem, SegmentWritten, StartRecording

OPTIONS = RecordingOptions(segment_s=4, min_free_mb=0)


def begin(directory: Path, *, options: RecordingOptions = OPTIONS, **order: object) -> AttemptRecording:
    given: dict[str, object] = {"first_index": 0, **order}
    return AttemptRecording(StartRecording("attempt-1", str(directory), **given), options)  # type: ignore[arg-type]


def feed(recording: AttemptRecording, frames: list[EncodedFrame]) -> list[SegmentWritten | RecordingProblem]:
    """Half a second at a time, as the recorder does."""
    told: list[SegmentWritten | RecordingProblem] = []
    batch: list[EncodedFrame] = []
    for frame in frames:
        if batch and frame.captured_at - batch[0].captured_at > 0.5:
            told += recording.write(batch, batch[-1].captured_at).messages
            batch = []
        batch.append(frame)
    return told + recording.write(batch, batch[-1].captured_at).messages


def written(messages: list[SegmentWritten | RecordingProblem]) -> list[SegmentWritten]:
    return [message for message in messages if isinstance(message, SegmentWritten)]


def problems(messages: list[SegmentWritten | RecordingProblem]) -> list[str]:
    return [message.reason for message in messages if isinstance(message, RecordingProblem)]


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """The directory of a recorder that was killed two seconds into its fourth segment."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.write_until_killed", str(tmp_path)],
        stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"written\n"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    return tmp_path


def test_what_a_killed_process_left_open_is_salvaged(killed: Path) -> None:
    assert len(list(killed.glob(f"*{PART}"))) == 1
    recording = begin(killed, first_index=3, last_ended_at=T0 + 12)
    (tail,) = written(recording.write([], T0 + 20).messages)
    assert (tail.index, tail.started_at, tail.gap_before_s) == (3, T0 + 12, 0)
    assert tail.ended_at - tail.started_at > 0.3, "two seconds were written, one may sit in memory"
    pictures, heard = decoded(killed / tail.path)
    assert pictures
    assert heard
    assert not list(killed.glob(f"*{PART}"))


def test_after_a_crash_the_recording_goes_on_and_the_gap_is_on_the_record(killed: Path) -> None:
    recording = begin(killed, first_index=3, last_ended_at=T0 + 12)
    told = feed(recording, together(video(6, at=T0 + 20), sound(6, at=T0 + 20)))
    told += recording.close().messages
    tail, first, second = written(told)
    assert [one.index for one in (tail, first, second)] == [3, 4, 5]
    assert first.started_at == T0 + 20
    assert first.gap_before_s == pytest.approx(T0 + 20 - tail.ended_at, abs=0.01)
    assert second.gap_before_s == 0


def test_finished_segments_nobody_was_told_of_are_told_again(killed: Path) -> None:
    """Killed between the rename and the message: the file is there, the index does not know it."""
    recording = begin(killed, first_index=1, last_ended_at=T0 + 4)
    told = written(recording.write([], T0 + 20).messages)
    assert [one.index for one in told] == [1, 2, 3]
    assert all(one.gap_before_s == 0 and (one.width, one.codec) == (320, "vp8") for one in told)


def test_what_does_not_play_is_dropped(tmp_path: Path) -> None:
    (tmp_path / f"main-000000-1800000000000.webm{PART}").write_bytes(b"\x1a\x45\xdf\xa3 cut off")
    (tmp_path / f"main-000001-1800000010000.webm{PART}").touch()
    (tmp_path / "notes.txt").write_text("not ours")
    recording = begin(tmp_path)
    assert not recording.write([], T0).messages
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_main_and_screen_are_recorded_side_by_side(tmp_path: Path) -> None:
    recording = begin(tmp_path)
    told = feed(recording, together(video(6), sound(6), video(6, role=TrackRole.SCREEN)))
    told += recording.close().messages
    assert sorted((one.track, one.index) for one in written(told)) == [
        ("main", 0), ("main", 1), ("screen", 0), ("screen", 1),
    ]  # fmt: skip


def test_sound_that_comes_late_stays_in_sync(tmp_path: Path) -> None:
    """Sound arrives 300 ms after the picture it belongs to; both carry their capture times."""
    recording = begin(tmp_path)
    arrivals = [(frame.captured_at, frame) for frame in video(12, flashes())]
    arrivals += [(frame.captured_at + 0.3, frame) for frame in sound(12, beeps(), milliseconds=20)]
    told = []
    for now, frame in sorted(arrivals, key=lambda pair: pair[0]):
        told += recording.write([frame], now).messages
    told += recording.close().messages
    pieces = [Piece(tmp_path / one.path, one.started_at, one.ended_at) for one in written(told)]
    assert len(pieces) == 3
    whole = finalize(pieces, tmp_path / "recording").path
    lit, heard = flash_times(whole), beep_times(whole)
    assert len(lit) == len(heard) == 6
    assert max(abs(a - b) for a, b in zip(lit, heard, strict=True)) < 0.08


def test_too_little_room_stops_cleanly_and_it_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = RecordingOptions(segment_s=4, min_free_mb=100)
    recording = begin(tmp_path, options=options)
    free_mb = [1000]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, free_mb[0] << 20))
    told = feed(recording, video(3))
    free_mb[0] = 99
    told += feed(recording, video(9, at=T0 + 3))
    assert problems(told) == ["disk_full"], "said once"
    assert [one.index for one in written(told)] == [0], "what was recorded so far is whole"
    free_mb[0] = 1000
    told += feed(recording, video(8, at=T0 + 12))
    told += recording.close().messages
    first, *others = written(told)
    assert others[0].index == 1
    assert others[0].gap_before_s == pytest.approx(others[0].started_at - first.ended_at, abs=0.01)
    assert 8 < others[0].gap_before_s < 15
    assert problems(told) == ["disk_full"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_that_is_really_full_loses_a_segment_at_most(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(23_500_000))
    recording = begin(small_disk)
    told = feed(recording, together(video(40), sound(40)))
    assert problems(told) == ["disk_full"]
    before = len(written(told))
    assert before >= 1
    ballast.unlink()
    told += feed(recording, together(video(8, at=T0 + 46), sound(8, at=T0 + 46)))
    told += recording.close().messages
    assert len(written(told)) > before
    assert problems(told) == ["disk_full"]
    for one in written(told):
        assert decoded(small_disk / one.path)[0], "every segment that was told of plays"


def test_a_directory_that_cannot_be_written_is_an_alarm_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    recording = begin(tmp_path / "file" / "below")
    assert problems(feed(recording, video(2))) == ["disk_error"]
    assert not recording.close().messages
