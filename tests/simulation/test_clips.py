"""The clips are what they say: their files, and their truth against the detectors."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from analyzers.offline import Report, analyze
from analyzers.perception import Perception
from core.kinds import Kind, default_severity
from simulation import clips
from simulation.clips import Clip
from simulation.footage import UnplayableFile
from simulation.recipes import RECIPES
from simulation.scenes import BEGINS, SECONDS, Sensor

LATE_S = 4.0
"""How long after the truth an incident may begin or end: dwell, and an engine's slowest look."""


@pytest.fixture(scope="module")
def perception() -> Perception:
    return Perception()


def seen(report: Report, kind: Kind) -> list[tuple[float, float]]:
    return [(one.start_s, one.end_s) for one in report.incidents if one.kind == kind]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["normal", "absent", "second", "other", "phone", "speech", "dark", "covered"]
)
def test_what_is_in_a_clip_is_what_the_detectors_say(
    name: str, clip: Callable[[str], Clip], perception: Perception
) -> None:
    playing = clip(name)
    report = analyze(playing.video, playing.enrolment, perception=perception)
    assert report.seconds == pytest.approx(playing.seconds, abs=0.2)
    for span in playing.events:
        assert len(seen(report, span.kind)) == 1, (span, report)
        ((start, end),) = seen(report, span.kind)
        assert span.start - 1 <= start <= span.start + LATE_S
        assert span.end - LATE_S <= end <= span.end + LATE_S
    true = {span.kind for span in playing.events}
    invented = [one for one in report.incidents if Kind(one.kind) not in true]
    assert not [one for one in invented if default_severity(Kind(one.kind)).is_alert], invented


def test_the_files_are_what_a_browser_would_send(clip: Callable[[str], Clip]) -> None:
    playing = clip("phone")
    with av.open(str(playing.video)) as main:
        video, audio = main.streams.video[0], main.streams.audio[0]
        assert (video.codec_context.name, video.width, video.height) == ("vp8", 640, 480)
        assert video.average_rate == 15
        assert (audio.codec_context.name, audio.rate) == ("opus", 48_000)
        durations = [packet.duration for packet in main.demux(audio) if packet.size]
    assert set(durations[:-1]) == {60}
    with av.open(str(playing.low)) as low:
        small = low.streams.video[0]
        assert (small.codec_context.name, small.width, small.height) == ("vp8", 160, 120)
        assert small.average_rate == 5


def test_the_phone_is_where_the_truth_says(clip: Callable[[str], Clip]) -> None:
    playing = clip("phone")
    (span,) = playing.events
    assert span.box is not None
    empty, with_phone = picture_at(playing, BEGINS - 2), picture_at(playing, (span.start + span.end) / 2)
    left, top = int(span.box.left * 640), int(span.box.top * 480)
    right, bottom = int(span.box.right * 640), int(span.box.bottom * 480)
    changed = cv2.absdiff(empty, with_phone)[top:bottom, left:right]
    assert changed.mean() > 40


def picture_at(playing: Clip, at: float) -> np.ndarray:
    with av.open(str(playing.video)) as container:
        for frame in container.decode(video=0):
            if (frame.time or 0) >= at:
                return frame.to_ndarray(format="bgr24")
    raise AssertionError(f"the clip ends before {at} s")


def test_faces_are_never_quite_still_but_where_the_camera_hangs(clip: Callable[[str], Clip]) -> None:
    def changes(name: str) -> bool:
        clip(name)
        recipe = RECIPES[name]
        camera = Sensor(recipe.scene(*recipe.cast))
        return bool(cv2.absdiff(camera.frame(14.0), camera.frame(14.0 + 1 / 15)).any())

    assert changes("normal")
    assert not changes("frozen")


def test_chromium_gets_each_picture_twice_and_a_48_khz_microphone(clip: Callable[[str], Clip]) -> None:
    playing = clip("speech")
    jpeg = playing.camera().read_bytes()
    assert jpeg.count(b"\xff\xd8\xff\xe0") == SECONDS * 30
    with wave.open(str(playing.microphone())) as sound:
        assert (sound.getframerate(), sound.getnchannels()) == (48_000, 1)
        assert sound.getnframes() == SECONDS * 48_000
        samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16).astype(np.float64)
    loud = np.sqrt((samples.reshape(-1, 48_000) ** 2).mean(axis=1))
    assert loud[: int(BEGINS)].max() < 60
    assert loud[int(BEGINS) + 1 : int(BEGINS) + 8].mean() > 1000


def test_any_file_can_be_played(clip: Callable[[str], Clip], tmp_path: Path) -> None:
    small = tmp_path / "wide.mp4"
    with av.open(str(small), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 320, 128, "yuv420p"
        for shade in range(60):
            picture = np.full((128, 320, 3), shade * 4, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    playing = clips.find(str(small))
    assert playing.seconds == pytest.approx(2.0, abs=0.1)
    picture = picture_at(playing, 1.0)
    assert picture.shape == (480, 640, 3)
    assert picture[20].mean() < 30 < picture[240].mean()


def test_what_is_no_clip_and_no_film_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(clips.UnknownClip, match=r"no clip or file holiday.*normal, absent"):
        clips.find("holiday")
    text = tmp_path / "notes.txt"
    text.write_text("not a film")
    with pytest.raises(UnplayableFile, match=r"notes.txt cannot be played"):
        clips.find(str(text))


def test_without_npm_most_clips_have_another_cast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVIGIL_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    assert set(clips.names()) - set(clips.obtainable()) == {"phone"}
