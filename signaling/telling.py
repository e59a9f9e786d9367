"""How a record of the event log is told: everything to proctors, their own and no suspicion to students."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from core.incidents import EventRecord
from signaling.messages import EventMessage, Intervention, InterventionMessage, ServerMessage
from signaling.seat import incident_view

TOLD_TO_STUDENTS: dict[str, tuple[str, ...]] = {
    "attempt.status": ("status", "previous", "time_left_s"),
    "attempt.clock": ("kind", "seconds", "time_left_s"),
    "attempt.consent": ("text_version", "given"),
    "attempt.enrolled": ("quality",),
    "intervention.acknowledged": ("id",),
    "intervention.undone": ("id", "kind"),
    "hand.raised": (),
    "hand.lowered": (),
    "chat.said": ("text", "side", "name"),
}
"""Event → the fields of its payload that a student may know. What is not named here is not told."""

SAID_TO_STUDENTS = frozenset({"message", "warn", "pause", "resume", "terminate", "extend"})
"""Interventions a student gets as `intervention` messages. A flag is between proctors."""


def for_proctor(record: EventRecord) -> EventMessage:
    payload: dict[str, Any] = dict(record.payload)
    if record.type in ("incident.opened", "incident.updated", "incident.closed"):
        view = incident_view(record.attempt_id or "", payload)
        payload = {**payload, **msgspec.to_builtins(view)}
    return _event(record, payload, record.actor)


def for_student(record: EventRecord) -> ServerMessage | None:
    """None: not for students. Who acted stays unsaid, and so do reasons."""
    area, _, what = record.type.partition(".")
    if area == "intervention" and what in SAID_TO_STUDENTS:
        return InterventionMessage(
            id=record.payload["id"],
            action=cast(Intervention, what),
            at=record.at,
            text=record.payload["text"],
            acknowledge=what == "warn",
            seq=record.seq,
        )
    fields = TOLD_TO_STUDENTS.get(record.type)
    if fields is None:
        return None
    return _event(record, {name: record.payload[name] for name in fields if name in record.payload}, None)


def _event(record: EventRecord, payload: dict[str, Any], actor: str | None) -> EventMessage:
    return EventMessage(
        seq=record.seq,
        at=record.at,
        event=record.type,
        attempt=record.attempt_id,
        payload=payload,
        actor=actor,
    )
