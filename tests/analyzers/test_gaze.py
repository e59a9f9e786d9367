"""Where somebody looks, on a real film of a man who turns his head."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from analyzers.engines.base import Image
from analyzers.gaze import GazeDetector, GazeSettings
from analyzers.pose import CalibrationSettings, Neutral
from analyzers.registry import Engines
from analyzers.watch import FaceWatch, WatchSettings
from core.findings import Blindness
from core.kinds import Kind
from core.samples import VideoSample

Picture = Callable[[str], Image]


def test_nothing_is_said_before_straight_ahead_is_known(watch: FaceWatch, picture: Picture) -> None:
    (said,) = GazeDetector(watch).observe(VideoSample(0.0, picture("portrait-1")))
    assert said.measurable.reason is Blindness.NOT_CALIBRATED


def test_a_man_on_film_is_learnt_and_seen_to_look_away(
    engines: Engines, film: Callable[..., Iterator[VideoSample]]
) -> None:
    settings = WatchSettings(calibration=CalibrationSettings(patience=12.0))
    watch = FaceWatch(engines.faces, engines.follower, engines.landmarks, settings)
    detector = GazeDetector(watch, GazeSettings(yaw=24.0))
    said = [detector.observe(sample)[0] for sample in film("speech", hz=3)]
    reasons = {one.measurable.reason for one in said[:10]}
    assert reasons == {Blindness.NOT_CALIBRATED}
    measured = [one for one in said if one.measurable.ok]
    assert len(measured) > len(said) / 2
    away = [one for one in measured if one.score >= 0.5]
    assert 0 < len(away) < len(measured) / 2
    assert {str(one.attributes["direction"]) for one in away} & {"left", "right"}
    assert all(one.attributes["direction"] == "ahead" for one in measured if one.score < 0.5)


def test_directions_follow_the_head_and_the_eyes(watch: FaceWatch, picture: Picture) -> None:
    watch.recalibrate(Neutral(0.0, -10.0, 0.5, -0.05))
    (left,) = GazeDetector(watch).observe(VideoSample(0.0, picture("obama2")))
    assert left.score > 0.5
    assert left.attributes["direction"] == "left"
    mirrored = np.ascontiguousarray(picture("obama2")[:, ::-1])
    (right,) = GazeDetector(watch).observe(VideoSample(5.0, mirrored))
    assert right.score > 0.5
    assert right.attributes["direction"] == "right"


def test_what_cannot_be_measured_says_why(watch: FaceWatch, picture: Picture) -> None:
    watch.recalibrate(Neutral(0.0, -10.0, 0.5, -0.05))
    detector = GazeDetector(watch)
    (nobody,) = detector.observe(VideoSample(0.0, picture("screen-photo")))
    assert nobody.measurable.reason is Blindness.NO_FACE
    strict = GazeDetector(watch, GazeSettings(smallest=400))
    (small,) = strict.observe(VideoSample(3.0, picture("portrait-1")))
    assert small.measurable.reason is Blindness.FACE_TOO_SMALL
    assert small.kind is Kind.GAZE_AWAY
