"""Everything that perceives, loaded once a process: makes pipelines for students, embeds faces."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import cv2
import numpy as np

from analyzers.dwell_rules import with_thresholds
from analyzers.enrolment import Enrolment, EnrolmentRefused
from analyzers.models import ModelStore
from analyzers.pipeline import StudentPipeline
from analyzers.pose import Neutral
from analyzers.registry import DETECTORS, build, enroller, load_engines
from analyzers.settings import Overrides, VisionSettings
from analyzers.watch import box_of
from config.settings import AnalysisSettings
from core.errors import BadSettings
from core.findings import Box
from core.kinds import Kind
from transport.messages import StudentProfile

_NOBODY = StudentProfile(attempt_id="")


class Perception:
    """Engines and weights of this process, and the exam's settings. Raises EngineUnavailable at birth
    for an engine that is named and cannot load, BadSettings for what makes no sense."""

    def __init__(self, config: AnalysisSettings | None = None, store: ModelStore | None = None) -> None:
        config = config or AnalysisSettings()
        self._thresholds = dict(config.thresholds)
        self._settings = VisionSettings.from_config(config)
        self._store = store or ModelStore(config.models_dir)
        self._engines = load_engines(self._settings.engines, self._store)
        self._enroller = enroller(self._settings, self._store)
        self.student()  # what is wrong with engines or settings comes out now, not with the first student

    def student(self, profile: StudentProfile = _NOBODY) -> StudentPipeline:
        """The pipeline of one student. Raises BadSettings."""
        off, kinds_off = _switched_off(profile.detectors_off)
        overrides = Overrides(detectors=dict.fromkeys(off, False), rates=profile.rates)
        panel = build(self._settings, self._store, self._enrolment(profile), overrides)
        rules = with_thresholds({**self._thresholds, **profile.thresholds})
        return StudentPipeline(panel, rules=rules, kinds_off=kinds_off)

    def enrol(self, picture: bytes) -> tuple[Enrolment, Box]:
        """The face in a JPEG or PNG, and where it is. Raises EnrolmentRefused with what is wrong."""
        image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise EnrolmentRefused(reason="it is not a picture.")
        pixels = np.ascontiguousarray(image, np.uint8)
        enrolment = self._enroller.embed(pixels)
        face = self._engines.faces.find(pixels)[0]
        return enrolment, box_of(face.box, pixels.shape[1], pixels.shape[0], "face", face.score)

    def _enrolment(self, profile: StudentProfile) -> Enrolment:
        return Enrolment(
            embeddings=tuple(np.array(one, np.float32) for one in profile.face_embeddings),
            engine=self._engines.identity.name,
            neutral=_neutral(profile.calibration),
            voice=None if profile.voiceprint is None else np.array(profile.voiceprint, np.float32),
        )


def _neutral(calibration: Mapping[str, float] | None) -> Neutral | None:
    if calibration is None:
        return None
    try:
        return Neutral(*(calibration[name] for name in ("yaw_deg", "pitch_deg", "iris_x", "iris_y")))
    except KeyError as missing:
        raise BadSettings(detail=f"The calibration lacks {missing.args[0]}.") from None


def _switched_off(names: Collection[str]) -> tuple[frozenset[str], frozenset[Kind]]:
    """Detectors and kinds among the names; where a name is both (speech), the whole detector is meant."""
    detectors, kinds = set(), set()
    for name in names:
        if name in DETECTORS:
            detectors.add(name)
        elif name in Kind.__members__.values():
            kinds.add(Kind(name))
        else:
            raise BadSettings(detail=f"There is no detector or kind {name!r} to switch off.")
    return frozenset(detectors), frozenset(kinds)
