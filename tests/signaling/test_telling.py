from __future__ import annotations

from typing import Any

import pytest

from core.incidents import EventRecord
from core.interventions import InterventionKind
from signaling.messages import EventMessage, InterventionMessage
from signaling.telling import for_proctor, for_student

FULL: dict[str, Any] = {
    "id": "x1",
    "kind": "phone",
    "severity": "high",
    "category": "suspicion",
    "started_at": 1.0,
    "ended_at": None,
    "confidence": 0.9,
    "findings": 1,
    "evidence": "a/phone.jpg",
    "announced": True,
    "attributes": {},
    "reason": "SECRET",
    "text": "for you",
    "status": "running",
    "verdict": "confirmed",
    "student_id": "SECRET",
}


def record(type: str) -> EventRecord:
    return EventRecord(7, "e", "a", 100.0, type, FULL, actor="SECRET")


@pytest.mark.parametrize("step", ["opened", "updated", "closed", "judged"])
def test_no_incident_is_told_to_a_student(step: str) -> None:
    assert for_student(record(f"incident.{step}")) is None


@pytest.mark.parametrize(
    "type", ["attempt.admitted", "something.new", "intervention.flag", "intervention.talk"]
)
def test_what_is_not_named_is_not_told(type: str) -> None:
    assert for_student(record(type)) is None


@pytest.mark.parametrize("type", ["attempt.status", "attempt.clock", "chat.said", "hand.raised"])
def test_reasons_and_actors_stay_with_the_staff(type: str) -> None:
    said = for_student(record(type))
    assert isinstance(said, EventMessage)
    assert "SECRET" not in str(said)
    assert "SECRET" in str(for_proctor(record(type)))


@pytest.mark.parametrize("kind", InterventionKind)
def test_interventions_for_the_student_carry_their_number(kind: InterventionKind) -> None:
    said = for_student(record(f"intervention.{kind}"))
    if kind in (InterventionKind.FLAG, InterventionKind.UNFLAG, InterventionKind.TALK):
        assert said is None
    else:
        assert isinstance(said, InterventionMessage)
        assert (said.seq, said.text, said.acknowledge) == (7, "for you", kind is InterventionKind.WARN)
        assert "SECRET" not in str(said)


def test_a_proctor_gets_the_evidence_as_a_url() -> None:
    payload = for_proctor(record("incident.opened")).payload
    assert payload["evidence"] == "/api/evidence/a/phone.jpg"
    assert payload["attempt"] == "a"
