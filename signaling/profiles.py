"""What the detectors are told of a student: who it should be, what not to look for, how strictly."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from analyzers.dwell_rules import DEFAULT_RULES
from config.settings import AnalysisSettings
from core.exams import ExamSettings, Strictness
from core.kinds import Kind
from db.attempts import Attempt, Enrolment
from transport.messages import StudentProfile

_EAGERNESS = {Strictness.LENIENT: 1.25, Strictness.NORMAL: 1.0, Strictness.STRICT: 0.85}
"""Factor on every enter score."""
_HIGHEST = 0.95
_BROWSER = frozenset(kind for kind, rule in DEFAULT_RULES.items() if rule.hits == 1)
"""Kinds the browser reports: facts, not scores."""


def pack(embedding: list[float]) -> bytes:
    """As it is stored: float32, little-endian."""
    return struct.pack(f"<{len(embedding)}f", *embedding)


def unpack(data: bytes) -> list[float]:
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def profile(
    attempt: Attempt, enrolment: Enrolment | None, exam: ExamSettings, server: AnalysisSettings
) -> StudentProfile:
    """Server's settings, then the exam's, then the student's accommodations; the last word wins.

    Accommodations: {"detectors": {name: bool}, "thresholds": {kind: score}, "rates": {name: looks a second}}.
    """
    own = attempt.accommodations
    detectors = {**server.detectors, **exam.detectors, **_part(own, "detectors")}
    face = enrolment.face if enrolment and enrolment.face_engine == server.identity else None
    return StudentProfile(
        attempt_id=attempt.id,
        face_embeddings=[unpack(face)] if face else [],
        voiceprint=unpack(enrolment.voice) if enrolment and enrolment.voice else None,
        calibration=dict(enrolment.calibration) or None if enrolment else None,
        detectors_off=sorted(name for name, on in detectors.items() if not on),
        thresholds={
            **_by_strictness(exam.strictness),
            **server.thresholds,
            **exam.thresholds,
            **_part(own, "thresholds"),
        },
        rates={**server.rates, **_part(own, "rates")},
    )


def _part(accommodations: Mapping[str, Any], name: str) -> dict[str, Any]:
    return dict(accommodations.get(name, {}))


def _by_strictness(strictness: Strictness) -> dict[str, float]:
    factor = _EAGERNESS[strictness]
    if factor == 1.0:
        return {}
    return {
        Kind(kind).value: round(min(_HIGHEST, rule.enter * factor), 3)
        for kind, rule in DEFAULT_RULES.items()
        if kind not in _BROWSER
    }
