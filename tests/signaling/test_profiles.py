from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.dwell_rules import DEFAULT_RULES, with_thresholds
from config.settings import AnalysisSettings
from core.attempts import AttemptStatus
from core.exams import ExamSettings, Strictness
from core.kinds import Kind
from db.attempts import Attempt, Enrolment
from signaling.profiles import pack, profile, unpack


def attempt(**accommodations: Any) -> Attempt:
    return Attempt("a", "e", "s", 1, AttemptStatus.NONE, 0.0, None, None, accommodations, 1)


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=128))
def test_embeddings_survive_the_database(embedding: list[float]) -> None:
    assert unpack(pack(embedding)) == embedding


def test_nobody_enrolled_is_no_face() -> None:
    assert profile(attempt(), None, ExamSettings(), AnalysisSettings()).face_embeddings == []


def test_a_face_of_another_engine_is_not_compared() -> None:
    face = pack([0.5] * 128)
    same = profile(attempt(), Enrolment(face=face, face_engine="dlib"), ExamSettings(), AnalysisSettings())
    assert same.face_embeddings == [[0.5] * 128]
    other = Enrolment(face=face, face_engine="deepface:ArcFace")
    assert profile(attempt(), other, ExamSettings(), AnalysisSettings()).face_embeddings == []


def test_the_students_accommodations_have_the_last_word() -> None:
    server = AnalysisSettings(detectors={"gaze": True, "speech": False}, thresholds={"phone": 0.3})
    exam = ExamSettings(detectors={"speech": True, "objects": False}, thresholds={"phone": 0.5})
    own = attempt(detectors={"gaze": False}, thresholds={"phone": 0.9}, rates={"faces": 1.0})
    told = profile(own, None, exam, server)
    assert told.detectors_off == ["gaze", "objects"]
    assert told.thresholds["phone"] == 0.9
    assert told.rates == {"faces": 1.0}


@pytest.mark.parametrize("strictness", Strictness)
def test_strictness_moves_what_is_measured_and_leaves_facts_alone(strictness: Strictness) -> None:
    told = profile(attempt(), None, ExamSettings(strictness=strictness), AnalysisSettings())
    rules = with_thresholds(told.thresholds)  # Raises for what the detectors could not take.
    measured = rules[Kind.SPEECH].enter - DEFAULT_RULES[Kind.SPEECH].enter
    assert {"lenient": measured > 0, "normal": measured == 0, "strict": measured < 0}[strictness]
    assert rules[Kind.TAB_HIDDEN] == DEFAULT_RULES[Kind.TAB_HIDDEN]
