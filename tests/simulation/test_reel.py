from __future__ import annotations

from collections.abc import Callable

import pytest

from core.kinds import Kind
from media_server.codecs import picture_size
from media_server.frames import TrackRole
from simulation import clips, reel
from simulation.clips import Clip
from simulation.reel import Script, Strip
from simulation.scenes import Span


@pytest.mark.parametrize(
    ("elapsed", "position"),
    [(0, 0), (31.9, 31.9), (32, 0), (39.9, 7.9), (40, 0), (47, 7), (48, 0), (80, 32 - 32), (85, 5)],
)
def test_between_two_rounds_only_the_calm_beginning_is_played(elapsed: float, position: float) -> None:
    script = Script(seconds=32, calm_s=8, rests=2)
    assert script.position(elapsed) == pytest.approx(position)


def test_the_offset_says_where_the_playing_starts() -> None:
    assert Script(32, 8, offset_s=10).position(5) == 15


def test_an_event_comes_back_every_period() -> None:
    script = Script(seconds=32, calm_s=8, rests=1, offset_s=4)
    span = Span(Kind.PHONE, 10, 22)
    assert script.times(span, until=100) == [(6, 18), (46, 58), (86, 98)]


def test_an_event_that_had_begun_before_the_start_is_left_out() -> None:
    assert Script(32, 8, offset_s=15).times(Span(Kind.PHONE, 10, 22), until=40) == [(27, 39)]


def test_a_strip_that_is_shorter_than_the_clip_begins_again() -> None:
    strip = Strip("opus", 0.06, (b"a", b"b", b"c"), (0, 1, 2))
    assert [strip.index_at(at) for at in (0, 0.059, 0.06, 0.12, 0.18, 0.25)] == [0, 0, 1, 2, 0, 1]


def test_a_clip_is_read_whole_with_a_keyframe_every_two_seconds(clip: Callable[[str], Clip]) -> None:
    found = reel.load(clip("normal"))
    main, low = found.strips[TrackRole.MAIN], found.strips[TrackRole.LOW]
    audio = found.strips[TrackRole.AUDIO]
    assert len(main.packets) == found.clip.seconds * 15
    assert len(low.packets) == found.clip.seconds * 5
    assert len(audio.packets) == pytest.approx(found.clip.seconds / 0.06, abs=2)
    assert sorted(set(main.latest_keyframe)) == list(range(0, len(main.packets), 30))
    assert sorted(set(low.latest_keyframe)) == list(range(0, len(low.packets), 10))
    assert sum(map(len, main.packets)) * 8 / found.clip.seconds < 600_000
    assert sum(map(len, low.packets)) * 8 / found.clip.seconds < 60_000


def test_a_screen_goes_beside_the_camera(clip: Callable[[str], Clip]) -> None:
    found = reel.load(clip("normal"), clips.screen())
    shared = found.strips[TrackRole.SCREEN]
    assert len(shared.packets) == 50
    assert picture_size("vp8", shared.packets[0]) == (1280, 720)
    assert found.strips[TrackRole.MAIN] == reel.load(clip("normal")).strips[TrackRole.MAIN]
