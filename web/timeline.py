"""Everything that lies on one attempt's time line, for the review page. All times are UNIX seconds; a
moment `at` lies at `at - recording.started_at` in the recording.
"""

from __future__ import annotations

from typing import Any

import msgspec

from db.attempts import Attempt
from db.database import Transaction
from db.incidents import StoredIncident
from db.interventions import Intervention
from db.segments import RecordingGap, Segment
from signaling.seating import stored_view


async def timeline(tx: Transaction, attempt: Attempt, *, recorded: bool, now: float) -> dict[str, Any]:
    """`Timeline` in web/static/js/types.d.ts. `recorded`: the recording is complete."""
    id = attempt.id
    segments = await tx.segments.of_attempt(id)
    events = await tx.events.of_attempt(id)
    return {
        "now": now,
        "attempt": {
            "id": id,
            "name": (await tx.users.get(attempt.student_id)).name,
            "status": attempt.status,
            "started_at": attempt.started_at,
            "ended_at": attempt.ended_at,
        },
        "recording": _recording(attempt, segments) if recorded else None,
        "segments": [segment_view(one) for one in segments],
        "gaps": [gap_view(one) for one in await tx.segments.gaps(id)],
        "incidents": [incident_view(one) for one in await tx.incidents.of_attempt(id)],
        "signals": [
            {"at": one.at, "kind": one.kind, "detail": one.detail} for one in await tx.signals.of_attempt(id)
        ],
        "interventions": [intervention_view(one) for one in await tx.interventions.of_attempt(id)],
        "statuses": [
            {"at": one.at, "status": one.payload["status"]} for one in events if one.type == "attempt.status"
        ],
        "consents": [
            {"at": one.at, "given": one.payload["given"], "text_version": one.payload["text_version"]}
            for one in events
            if one.type == "attempt.consent"
        ],
    }


def _recording(attempt: Attempt, segments: list[Segment]) -> dict[str, Any] | None:
    main = [one for one in segments if one.track == "main"]
    if not main:
        return None
    return {"url": f"/api/attempts/{attempt.id}/recording", "started_at": main[0].started_at}


def segment_view(segment: Segment) -> dict[str, Any]:
    base = f"/api/attempts/{segment.attempt_id}"
    query = "" if segment.track == "main" else f"?track={segment.track}"
    return {
        "n": segment.number,
        "track": segment.track,
        "started_at": segment.started_at,
        "ended_at": segment.ended_at,
        "url": f"{base}/segments/{segment.number}{query}",
        "thumbnail": f"{base}/thumbnails/{segment.number}" if segment.thumbnail_key else None,
    }


def gap_view(gap: RecordingGap) -> dict[str, Any]:
    return {"started_at": gap.started_at, "ended_at": gap.ended_at, "reason": gap.reason, "track": gap.track}


def incident_view(stored: StoredIncident) -> dict[str, Any]:
    view: dict[str, Any] = msgspec.to_builtins(stored_view(stored))
    reason = stored.judgement.reason if stored.judgement else ""
    return {**view, "verdict_reason": reason, "attributes": dict(stored.incident.attributes or {})}


def intervention_view(one: Intervention) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "at": one.at,
        "actor": one.actor,
        "reason": one.reason,
        "text": one.text,
        "acknowledged_at": one.acknowledged_at,
        "undone_at": one.undone_at,
    }
