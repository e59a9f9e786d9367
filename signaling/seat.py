"""One attempt's live state in memory: what the record says, and what its media does right now.

The lasting part is a fold of the event log and nothing else, so that it is the same after a restart.
The volatile part (picture, health, what is blind) comes from the workers and is worth nothing later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.attempts import AttemptStatus
from core.findings import Blindness
from core.incidents import EventRecord, Verdict
from core.kinds import Category, Kind, Severity
from signaling.clock import ClockReading
from signaling.messages import AttemptState, AttemptView, IncidentView, Tile, TileState
from signaling.risk import risk
from transport.messages import FeedHealth

KEPT_INCIDENTS = 10
"""Closed ones a tile still shows."""


@dataclass(slots=True)
class Seat:
    attempt_id: str
    exam_id: str
    student_id: str
    name: str
    number: int
    status: AttemptStatus
    clock: ClockReading
    consented: bool = False
    enrolled: bool = False
    hand_raised: bool = False
    flagged: bool = False
    pause_text: str = ""
    warnings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Not yet acknowledged, by intervention id."""
    incidents: dict[str, IncidentView] = field(default_factory=dict)
    """Open ones and the last ten, oldest first."""

    worker: int | None = None
    """The media process that has its tracks, until the last segment of an attempt that is over is on disk."""
    analysis: int | None = None
    state: TileState = "absent"
    since: float = 0.0
    health: FeedHealth | None = None
    blind: Mapping[str, Blindness] = field(default_factory=dict)
    looked_at: float | None = None

    @property
    def under_way(self) -> bool:
        """Running or paused: what is seen now goes on the record."""
        return self.status in (AttemptStatus.RUNNING, AttemptStatus.PAUSED)

    @property
    def picture_arrives(self) -> bool:
        return self.health is not None and any(
            track.live for track in self.health.tracks if track.role in ("main", "low")
        )

    def show(self, state: TileState, now: float) -> bool:
        """Whether that is a change."""
        if self.status.over:
            state = "ended"
        if state == self.state:
            return False
        self.state, self.since = state, now
        return True

    def fold(self, record: EventRecord) -> None:
        """Take up one record of the log that concerns this attempt."""
        area, _, what = record.type.partition(".")
        payload = record.payload
        match area:
            case "attempt":
                self._fold_attempt(what, record)
            case "incident" if what == "judged":
                self._judge(payload, record.actor)
            case "incident":
                self._keep(incident_view(self.attempt_id, payload))
            case "intervention":
                self._fold_intervention(what, record)
            case "hand":
                self.hand_raised = what == "raised"

    def _fold_attempt(self, what: str, record: EventRecord) -> None:
        payload = record.payload
        if what in ("status", "clock"):
            self.clock = ClockReading(float(payload["time_left_s"]), record.at)
        if what == "status":
            self.status = AttemptStatus(payload["status"])
            self.show(self.state, record.at)
            if self.status is not AttemptStatus.PAUSED:
                self.pause_text = ""
        elif what == "consent":
            self.consented = bool(payload["given"])
        elif what == "enrolled":
            self.enrolled = True

    def _fold_intervention(self, what: str, record: EventRecord) -> None:
        payload = record.payload
        match what:
            case "warn":
                self.warnings[payload["id"]] = warning(payload["id"], payload["text"], record.at)
            case "acknowledged" | "undone":
                self.warnings.pop(payload["id"], None)
            case "flag" | "unflag":
                self.flagged = what == "flag"
            case "pause":
                self.pause_text = payload["text"]

    def _keep(self, view: IncidentView) -> None:
        before = self.incidents.get(view.id)
        if before is not None and before.verdict is not None:
            view = _judged(view, before.verdict, before.verdict_by)
        self.incidents[view.id] = view
        closed = [one.id for one in self.incidents.values() if one.ended_at is not None]
        for id in closed[:-KEPT_INCIDENTS]:
            del self.incidents[id]

    def _judge(self, payload: Mapping[str, Any], actor: str | None) -> None:
        view = self.incidents.get(payload["id"])
        if view is not None:
            verdict = payload["verdict"] and Verdict(payload["verdict"])
            self.incidents[view.id] = _judged(view, verdict, actor if verdict else None)

    def view(self, now: float) -> AttemptView:
        return AttemptView(
            id=self.attempt_id,
            name=self.name,
            status=self.status,
            seat=str(self.number),
            worker=self.worker or 0,
            state=self.state,
            state_since=self.since,
            time_left_s=self.clock.left(self.status, now),
            hand_raised=self.hand_raised,
            flagged=self.flagged,
            risk=risk(self.incidents.values(), now),
            blind=dict(self.blind),
            screen=self._has_screen(),
            incidents=list(self.incidents.values()),
            looked_at=self.looked_at,
        )

    def tile(self, now: float) -> Tile:
        health = self.health
        pictures = [track for track in health.tracks if track.role in ("main", "low")] if health else []
        seen = [track.last_frame_at for track in pictures if track.last_frame_at is not None]
        return Tile(
            attempt=self.attempt_id,
            state=self.state,
            since=self.since,
            status=self.status,
            risk=risk(self.incidents.values(), now),
            time_left_s=self.clock.left(self.status, now),
            hand_raised=self.hand_raised,
            flagged=self.flagged,
            screen=self._has_screen(),
            worker=self.worker or 0,
            blind=dict(self.blind),
            fps=max((track.fps for track in pictures), default=0.0),
            loss_percent=health.loss_percent if health else 0.0,
            rtt_ms=health.rtt_ms if health else None,
            candidate=(health.remote_candidate or "") if health else "",
            last_frame_at=max(seen, default=None),
            looked_at=self.looked_at,
        )

    def student_state(self, now: float) -> AttemptState:
        return AttemptState(
            id=self.attempt_id,
            status=self.status,
            now=now,
            time_left_s=self.clock.left(self.status, now),
            consented=self.consented,
            enrolled=self.enrolled,
            hand_raised=self.hand_raised,
            pause_text=self.pause_text,
            unacknowledged=list(self.warnings.values()),
        )

    def _has_screen(self) -> bool:
        return self.health is not None and any(
            track.role == "screen" and track.live for track in self.health.tracks
        )


def warning(id: str, text: str, at: float) -> dict[str, Any]:
    return {"id": id, "action": "warn", "text": text, "at": at}


def evidence_url(key: str | None) -> str | None:
    return None if key is None else f"/api/evidence/{key}"


def incident_view(attempt_id: str, payload: Mapping[str, Any]) -> IncidentView:
    """From the payload of an `incident.*` record (db.incidents.as_payload)."""
    return IncidentView(
        id=payload["id"],
        attempt=attempt_id,
        kind=Kind(payload["kind"]),
        severity=Severity(payload["severity"]),
        category=Category(payload["category"]),
        started_at=payload["started_at"],
        ended_at=payload["ended_at"],
        confidence=payload["confidence"],
        findings=payload["findings"],
        evidence=evidence_url(payload["evidence"]),
        announced=payload["announced"],
    )


def _judged(view: IncidentView, verdict: Verdict | None, by: str | None) -> IncidentView:
    fields = {name: getattr(view, name) for name in view.__struct_fields__}
    return IncidentView(**{**fields, "verdict": verdict, "verdict_by": by})
