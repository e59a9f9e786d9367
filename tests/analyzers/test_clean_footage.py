"""Nothing is alleged of people who just sit there: the aim is at most two alerts a student-hour."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from analyzers.dwell import Dwell
from analyzers.engines.base import Image
from analyzers.enrolment import Enroller
from analyzers.models import ModelStore
from analyzers.registry import Panel, build
from analyzers.settings import VisionSettings
from core.findings import Phase
from core.kinds import Kind, Severity, default_severity
from core.samples import VideoSample
from simulation import clips, media

Film = Callable[..., Iterator[VideoSample]]
Picture = Callable[[str], Image]


def alerts(panel: Panel, samples: Iterator[VideoSample]) -> list[tuple[Kind, float]]:
    """Alerts that would have been raised, every detector at its own rate."""
    dwell, due = Dwell(), dict.fromkeys(VIDEO, 0.0)
    raised: list[tuple[Kind, float]] = []
    for sample in samples:
        for placed in panel.of(VideoSample):
            name = placed.detector.name
            if sample.at < due[name] - 1e-6 and not placed.wants(sample):
                continue
            due[name] = sample.at + 1 / placed.rate_hz
            for finding in dwell.feed(placed.detector.observe(sample)):
                severity: Severity = default_severity(finding.kind)
                if finding.phase is Phase.START and severity.is_alert:
                    raised.append((finding.kind, finding.started_at))
    return raised


VIDEO = ("faces", "identity", "gaze", "objects", "scene")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["normal", "speech"])
def test_a_student_who_works_raises_no_alert(
    store: ModelStore, enrol: Enroller, film: Film, name: str
) -> None:
    samples = film(name, hz=3, loops=2)
    try:
        enrolled = cv2.imread(str(clips.ensure(name).enrolment))
    except media.MissingMedia as missing:
        pytest.skip(str(missing))
    assert enrolled is not None
    panel = build(VisionSettings(), store, enrol.embed(enrolled.astype(np.uint8)))
    assert alerts(panel, samples) == []


def dimmed(image: Image) -> Image:
    return (image * 0.5).astype(np.uint8)


def glaring(image: Image) -> Image:
    return np.clip(image * 1.5 + 20.0, 0, 255).astype(np.uint8)


def noisy(image: Image) -> Image:
    grain = np.random.default_rng(1).normal(0, 12, image.shape)
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def starved(image: Image) -> Image:
    """What little bandwidth leaves of a picture."""
    coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 12])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


@pytest.mark.parametrize("spoil", [dimmed, glaring, noisy, starved], ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize("name", ["portrait-1", "portrait-2", "obama", "obama3", "biden"])
def test_bad_light_and_bad_cameras_are_no_reason_for_an_alert(
    store: ModelStore, picture: Picture, name: str, spoil: Callable[[Image], Image]
) -> None:
    panel = build(VisionSettings(detectors={"speech": False, "browser": False}), store)
    sample = VideoSample(0.0, spoil(picture(name)))
    limits = {Kind.PHONE: 0.4, Kind.BOOK: 0.45}
    for placed in panel.of(VideoSample):
        for observation in placed.detector.observe(sample):
            if default_severity(observation.kind).is_alert and observation.measurable.ok:
                assert observation.score < limits.get(observation.kind, 0.5), observation
