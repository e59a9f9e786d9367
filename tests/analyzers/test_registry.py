"""The set of detectors of one student."""

from __future__ import annotations

import pytest

from analyzers.base import Detector
from analyzers.enrolment import Enrolment
from analyzers.faces import FaceDetector
from analyzers.gaze import GazeDetector
from analyzers.models import ModelStore
from analyzers.pose import Neutral
from analyzers.registry import DETECTORS, build, load_engines
from analyzers.settings import EngineSettings, Overrides, VisionSettings, with_overrides
from config.settings import AnalysisSettings
from core.errors import BadSettings
from core.kinds import Kind
from core.samples import AudioChunk, ClientSignal, VideoSample


def test_everything_is_on_by_default_each_with_its_rate(store: ModelStore) -> None:
    panel = build(VisionSettings(), store)
    names = [placed.detector.name for placed in panel]
    assert names == list(DETECTORS)
    assert all(isinstance(placed.detector, Detector) for placed in panel)
    assert all(placed.rate_hz > 0 for placed in panel.of(VideoSample))
    assert [placed.detector.name for placed in panel.of(AudioChunk)] == ["speech"]
    assert [placed.detector.name for placed in panel.of(ClientSignal)] == ["browser"]


def test_no_kind_is_watched_by_two_detectors(store: ModelStore) -> None:
    watched = [kind for placed in build(VisionSettings(), store) for kind in placed.detector.kinds]
    assert len(watched) == len(set(watched))
    assert {Kind.PHONE, Kind.NO_FACE, Kind.IDENTITY_MISMATCH, Kind.SPEECH, Kind.TAB_HIDDEN} <= set(watched)


def test_students_share_weights_and_nothing_else(store: ModelStore) -> None:
    one, other = build(VisionSettings(), store), build(VisionSettings(), store)
    assert one.watch is not other.watch
    assert one.get("faces") is not other.get("faces")
    settings = EngineSettings()
    assert load_engines(settings, store) is load_engines(settings, store)


def test_config_switches_detectors_and_sets_rates(store: ModelStore) -> None:
    config = AnalysisSettings(detectors={"gaze": False}, rates={"objects": 0.5})
    panel = build(VisionSettings.from_config(config), store)
    assert panel.get("gaze") is None
    assert next(placed.rate_hz for placed in panel if placed.detector.name == "objects") == 0.5


def test_a_students_accommodations_lie_on_top(store: ModelStore) -> None:
    exam = VisionSettings(detectors={"gaze": True})
    overrides = Overrides(detectors={"gaze": False, "speech": False}, limits={"faces.turned_yaw": 60.0})
    panel = build(exam, store, overrides=overrides)
    assert panel.get("gaze") is None
    assert panel.get("speech") is None
    assert isinstance(panel.get("faces"), FaceDetector)
    assert with_overrides(exam, overrides).faces.turned_yaw == 60.0
    assert isinstance(build(exam, store).get("gaze"), GazeDetector)


@pytest.mark.parametrize("limits", [{"faces.nonsense": 1.0}, {"nonsense": 1.0}, {"engines.faces": 1.0}])
def test_a_limit_that_does_not_exist_is_refused(limits: dict[str, float]) -> None:
    with pytest.raises(BadSettings, match="no limit"):
        with_overrides(VisionSettings(), Overrides(limits=limits))


def test_a_detector_that_does_not_exist_is_refused(store: ModelStore) -> None:
    with pytest.raises(BadSettings, match="nonsense"):
        build(VisionSettings(detectors={"nonsense": False}), store)


def test_calibration_of_the_enrolment_is_used(store: ModelStore) -> None:
    neutral = Neutral(1.0, -20.0, 0.5, 0.0)
    panel = build(VisionSettings(), store, Enrolment(neutral=neutral))
    assert panel.watch.neutral == neutral
    panel.reset()
    assert panel.watch.neutral == neutral
