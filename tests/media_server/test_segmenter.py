"""Where a recording is cut, on a virtual clock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import pytest

from media_server.frames import EncodedFrame, TrackRole
from media_server.segment_file import PART
from media_server.segmenter import Segmenter
from tests.support.clips import video_clip
from tests.support.footage import T0, decoded, later, sound, together, video, without


def segmenter(directory: Path, **options: object) -> Segmenter:
    given: dict[str, object] = {"segment_s": 4.0, "next_index": 0, "last_ended_at": None, **options}
    return Segmenter("attempt-1", "main", directory, **given)  # type: ignore[arg-type]


def record(cutter: Segmenter, frames: list[EncodedFrame]) -> None:
    for frame in frames:
        cutter.write(frame)


def test_segments_follow_each_other_without_a_hole_and_each_plays_by_itself(tmp_path: Path) -> None:
    cutter = segmenter(tmp_path)
    frames = together(video(10), sound(10))
    record(cutter, frames)
    cutter.close()
    assert [(one.index, one.started_at - T0, one.ended_at - T0) for one in cutter.written] == [
        (0, 0.0, 4.0), (1, 4.0, 8.0), (2, 8.0, 10.0),
    ]  # fmt: skip
    assert all(one.gap_before_s == 0 and one.codec == "vp8" for one in cutter.written)
    pictures = 0
    for one in cutter.written:
        path = tmp_path / one.path
        assert path.stat().st_size == one.size_bytes
        shown, heard = decoded(path)
        assert shown[0].time == 0
        assert heard
        pictures += len(shown)
    assert pictures == 150
    assert not list(tmp_path.glob(f"*{PART}"))


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    cutter = segmenter(tmp_path)
    record(cutter, video(2))
    assert [path.suffix for path in tmp_path.iterdir()] == [PART]
    assert not cutter.written
    cutter.close()
    assert [path.suffix for path in tmp_path.iterdir()] == [".webm"]


def test_a_keyframe_is_asked_for_when_a_segment_is_due_and_not_before(tmp_path: Path) -> None:
    cutter = segmenter(tmp_path)
    assert cutter.wants_keyframe(T0)
    long = video_clip(frames=150)  # one keyframe only
    record(cutter, video(3.4, long))
    assert not cutter.wants_keyframe(T0 + 3.4)
    assert cutter.wants_keyframe(T0 + 3.6)
    assert not cutter.wants_keyframe(T0 + 3.8), "the student's encoder is not pestered"
    record(cutter, later(video(1), 4.2))
    assert [one.ended_at - T0 for one in cutter.written] == [pytest.approx(4.2)]


@pytest.mark.parametrize(
    "other",
    [video_clip(640, 480, frames=15), video_clip(codec="h264", frames=15)],
    ids=["another size", "another codec"],
)
def test_a_changed_picture_begins_a_new_file(tmp_path: Path, other: object) -> None:
    cutter = segmenter(tmp_path)
    record(cutter, together(video(2), sound(4)))
    record(cutter, together(video(2, other, at=T0 + 2), sound(2, at=T0 + 4)))  # type: ignore[arg-type]
    cutter.close()
    first, second = cutter.written
    assert second.started_at == first.ended_at == T0 + 2
    with av.open(str(tmp_path / second.path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.width, stream.codec_context.height) == (second.width, second.height)
        assert second.codec == ("vp8" if second.width == 640 else "h264")
        assert len(list(container.decode(stream))) == 30


def test_another_connection_begins_a_new_file_and_waits_for_its_keyframe(tmp_path: Path) -> None:
    cutter = segmenter(tmp_path)
    record(cutter, video(1.5))
    record(cutter, video(2, at=T0 + 1.5, epoch=1)[5:])  # its first frames were lost
    cutter.close()
    first, second = cutter.written
    assert second.started_at - T0 == pytest.approx(2.5, abs=0.001)
    assert len(decoded(tmp_path / first.path)[0]) == 22


def test_a_silence_ends_the_segment_and_stands_on_the_record(tmp_path: Path) -> None:
    cutter = segmenter(tmp_path, segment_s=10.0)
    record(cutter, without(together(video(12), sound(12)), 2, 8))
    cutter.close()
    first, second = cutter.written
    assert first.ended_at - T0 == pytest.approx(2.0, abs=0.1)
    assert second.gap_before_s == pytest.approx(6.0, abs=0.1)


def test_time_alone_ends_a_segment_whose_student_is_gone(tmp_path: Path) -> None:
    cutter = segmenter(tmp_path)
    record(cutter, video(1))
    cutter.tick(T0 + 3)
    assert not cutter.written
    cutter.tick(T0 + 5)
    assert len(cutter.written) == 1


def test_the_gap_after_a_restart_counts_from_what_was_known(tmp_path: Path) -> None:
    cutter = segmenter(tmp_path, next_index=7, last_ended_at=T0 - 3.5)
    record(cutter, video(1))
    cutter.close()
    assert cutter.written[0].index == 7
    assert cutter.written[0].gap_before_s == pytest.approx(3.5)


def test_without_a_picture_sound_is_recorded_alone(tmp_path: Path) -> None:
    cutter = segmenter(tmp_path)
    record(cutter, sound(6))
    record(cutter, together(video(1, at=T0 + 6), sound(1, at=T0 + 6)))
    cutter.close()
    alone, more, both = cutter.written
    assert (alone.codec, alone.width) == ("opus", 0)
    assert alone.started_at == T0
    assert more.started_at - alone.ended_at < 0.2
    assert both.codec == "vp8"
    assert both.started_at == T0 + 6


def test_sound_goes_on_when_the_camera_stops(tmp_path: Path) -> None:
    cutter = segmenter(tmp_path)
    record(cutter, together(video(2), sound(20)))
    cutter.close()
    covered = sum(one.ended_at - one.started_at for one in cutter.written)
    assert covered == pytest.approx(20, abs=0.5)
    assert cutter.written[0].codec == "vp8"
    assert {one.codec for one in cutter.written[1:]} == {"opus"}


def test_capture_times_that_stand_still_are_spread_and_nothing_is_lost(tmp_path: Path) -> None:
    cutter = segmenter(tmp_path)
    frames = video(1)
    still = [replace(frame, captured_at=T0) for frame in frames[:3]] + frames[3:]
    record(cutter, still)
    cutter.close()
    assert len(decoded(tmp_path / cutter.written[0].path)[0]) == 15


def test_a_screen_has_its_own_files(tmp_path: Path) -> None:
    cutter = Segmenter("a", "screen", tmp_path, segment_s=4, next_index=3, last_ended_at=None)
    record(cutter, video(1, role=TrackRole.SCREEN))
    cutter.close()
    assert cutter.written[0].track == "screen"
    assert cutter.written[0].path.startswith("screen-000003-")
