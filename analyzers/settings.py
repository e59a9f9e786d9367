"""What perception can be told: engines, rates, limits; for the exam and for one student."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from analyzers.enrolment import EnrolmentSettings
from analyzers.faces import FaceSettings
from analyzers.gaze import GazeSettings
from analyzers.identity import IdentitySettings
from analyzers.objects import ObjectSettings
from analyzers.scene import SceneSettings
from analyzers.watch import WatchSettings
from config.settings import AnalysisSettings
from core.errors import BadSettings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Which engine serves which need; the names are those of `registry`'s tables."""

    faces: str = "blazeface"
    landmarks: str = "facemesh"
    objects: str = "ssdlite"
    identity: str = "dlib"
    speech: str = "silero"
    models_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class VisionSettings:
    engines: EngineSettings = field(default_factory=EngineSettings)
    watch: WatchSettings = field(default_factory=WatchSettings)
    faces: FaceSettings = field(default_factory=FaceSettings)
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    gaze: GazeSettings = field(default_factory=GazeSettings)
    objects: ObjectSettings = field(default_factory=ObjectSettings)
    scene: SceneSettings = field(default_factory=SceneSettings)
    enrolment: EnrolmentSettings = field(default_factory=EnrolmentSettings)
    detectors: Mapping[str, bool] = field(default_factory=dict)
    """Detector → on or off; those not named are on."""
    rates: Mapping[str, float] = field(default_factory=dict)
    """Detector → looks a second, in place of its own default."""

    @classmethod
    def from_config(cls, config: AnalysisSettings) -> VisionSettings:
        engines = EngineSettings(
            config.faces,
            config.landmarks,
            config.objects,
            config.identity,
            config.speech,
            config.models_dir,
        )
        return cls(engines=engines, detectors=dict(config.detectors), rates=dict(config.rates))


@dataclass(frozen=True, slots=True)
class Overrides:
    """One student's accommodations, on top of the exam's settings."""

    detectors: Mapping[str, bool] = field(default_factory=dict)
    """`{"gaze": False}` switches a detector off."""
    rates: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    """`{"gaze.yaw": 45.0}`: a number in a detector's settings. Scores at which findings start are the
    dwell rules' matter."""


def with_overrides(settings: VisionSettings, overrides: Overrides | None) -> VisionSettings:
    """Raises BadSettings for a limit that does not exist."""
    if overrides is None:
        return settings
    changed = replace(
        settings,
        detectors={**settings.detectors, **overrides.detectors},
        rates={**settings.rates, **overrides.rates},
    )
    for path, value in overrides.limits.items():
        changed = _with_limit(changed, path, value)
    return changed


def _with_limit(settings: VisionSettings, path: str, value: float) -> VisionSettings:
    section, _, name = path.partition(".")
    part: Any = getattr(settings, section, None) if section in _SECTIONS else None
    known = {entry.name for entry in fields(part)} if part is not None else set()
    if name not in known or not isinstance(getattr(part, name), int | float):
        raise BadSettings(detail=f"There is no limit {path!r} to override.")
    return replace(settings, **{section: replace(part, **{name: value})})


_SECTIONS = ("watch", "faces", "identity", "gaze", "objects", "scene")
