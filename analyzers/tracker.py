"""From findings to incidents: one attempt's list of what a person should look at.

Pure and synchronous, on the findings' clock. It lives in the web process and is fed by analysis and
by browser signals alike. Nothing here sends or stores: the caller persists each change, then tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from analyzers.dwell import new_id
from core.findings import Finding, Phase
from core.incidents import Incident
from core.kinds import Category, Kind, Severity, category_of, default_severity

_LADDER = (Severity.INFO, Severity.LOW, Severity.MEDIUM, Severity.HIGH)


class Change(StrEnum):
    OPENED = "opened"
    UPDATED = "updated"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class IncidentChange:
    change: Change
    incident: Incident
    announce: bool = False
    """Interrupt the proctor now: the incident has just become an alert, within the budget."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """A token bucket: how often a proctor may be interrupted by one student."""

    capacity: float
    per_minute: float


@dataclass(frozen=True, slots=True)
class TrackerPolicy:
    """How findings become incidents; one for an exam."""

    severities: Mapping[Kind, Severity] = field(default_factory=dict)
    """The exam's own, in place of the default."""
    merge_gap: float = 10.0
    """Seconds: findings of one kind that lie closer together are one incident."""
    held_back_merge_gap: float = 120.0
    """The same once the budget is spent: what cannot interrupt need not be listed one by one."""
    escalate_seconds: float = 15.0
    """An incident that lasts longer weighs one step more."""
    escalate_findings: int = 4
    """So does one of this many merged findings."""
    medium: Allowance = Allowance(capacity=4, per_minute=0.5)
    high: Allowance = Allowance(capacity=8, per_minute=1.0)
    """High ones have a purse of their own: a chatty browser must not hush an impostor."""

    def severity_of(self, kind: Kind) -> Severity:
        return self.severities.get(kind, default_severity(kind))


class _Purse:
    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._tokens = allowance.capacity
        self._at: float | None = None

    def spend(self, at: float) -> bool:
        if self._at is not None:
            earned = max(0.0, at - self._at) / 60.0 * self._allowance.per_minute
            self._tokens = min(self._allowance.capacity, self._tokens + earned)
        self._at = at if self._at is None else max(at, self._at)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


@dataclass(slots=True)
class _Entry:
    """The newest incident of a kind, and the findings that keep it open."""

    incident: Incident
    finding_ids: set[str]
    last_at: float
    """When the evidence was last seen."""
    evidence_confidence: float = 0.0

    def touch(self, at: float) -> None:
        self.last_at = max(self.last_at, at)


class IncidentTracker:
    """Feed it every finding of one attempt, in any order of detectors; it answers with what changed."""

    def __init__(
        self,
        attempt_id: str,
        policy: TrackerPolicy | None = None,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self._attempt_id = attempt_id
        self._policy = policy or TrackerPolicy()
        self._make_id = make_id
        self._entries: dict[Kind, _Entry] = {}
        self._purses = {
            Severity.MEDIUM: _Purse(self._policy.medium),
            Severity.HIGH: _Purse(self._policy.high),
        }

    @property
    def open(self) -> list[Incident]:
        """Heaviest first, then oldest first."""
        live = [entry.incident for entry in self._entries.values() if entry.incident.open]
        return sorted(live, key=by_weight)

    def feed(self, finding: Finding, evidence: str | None = None) -> list[IncidentChange]:
        """`evidence`: key of a picture that belongs to this phase of the finding."""
        entry = self._entries.get(finding.kind)
        if finding.phase is Phase.END:
            return self._end(entry, finding)
        if entry is not None and finding.id in entry.finding_ids:
            return self._absorb(entry, finding, evidence, joined=False)
        if entry is not None and self._belongs(entry, finding):
            entry.finding_ids.add(finding.id)
            return self._absorb(entry, finding, evidence, joined=True)
        closed = self._close(entry, finding.at) if entry is not None and entry.incident.open else []
        return [*closed, self._open(finding, evidence)]

    def tick(self, now: float) -> list[IncidentChange]:
        """Let time weigh, and close restored incidents that nothing has taken up again."""
        changes: list[IncidentChange] = []
        for entry in self._entries.values():
            if not entry.incident.open:
                continue
            if not entry.finding_ids and now - entry.last_at > self._policy.merge_gap:
                changes += self._close(entry, entry.last_at)
            else:
                changes += self._settle(entry, entry.incident, now)
        return changes

    def close_all(self, at: float) -> list[IncidentChange]:
        """The attempt is over."""
        live = sorted((e for e in self._entries.values() if e.incident.open), key=_entry_order)
        return [change for entry in live for change in self._close(entry, at)]

    def restore(self, incidents: Iterable[Incident], at: float) -> None:
        """Take up again what was persisted before a restart, oldest first. What is still open waits
        for a finding of its kind and is closed by `tick` where none comes. Alerts already raised
        count against the budget."""
        for incident in sorted(incidents, key=lambda one: one.started_at):
            if incident.announced and incident.severity.is_alert:
                self._purses[incident.severity].spend(incident.started_at)
            last_at = at if incident.ended_at is None else incident.ended_at
            self._entries[incident.kind] = _Entry(incident, set(), last_at, incident.confidence)

    def _belongs(self, entry: _Entry, finding: Finding) -> bool:
        gap = self._policy.merge_gap if entry.incident.announced else self._policy.held_back_merge_gap
        return bool(entry.finding_ids) or finding.started_at - entry.last_at <= gap

    def _open(self, finding: Finding, evidence: str | None) -> IncidentChange:
        severity = self._policy.severity_of(finding.kind)
        announced = not severity.is_alert or self._purses[severity].spend(finding.at)
        incident = Incident(
            id=self._make_id(),
            attempt_id=self._attempt_id,
            kind=finding.kind,
            severity=severity,
            category=category_of(finding.kind),
            started_at=finding.started_at,
            ended_at=None,
            confidence=finding.confidence,
            evidence=evidence,
            announced=announced,
            # When the dwell time had passed: what the way to a proctor's screen is measured from.
            attributes={**finding.attributes, "noticed_at": finding.at},
        )
        self._entries[finding.kind] = _Entry(
            incident, {finding.id}, finding.at, finding.confidence if evidence else 0.0
        )
        return IncidentChange(Change.OPENED, incident, announce=severity.is_alert and announced)

    def _absorb(
        self, entry: _Entry, finding: Finding, evidence: str | None, *, joined: bool
    ) -> list[IncidentChange]:
        before = entry.incident
        better = evidence is not None and finding.confidence >= entry.evidence_confidence
        if better:
            entry.evidence_confidence = finding.confidence
        entry.touch(finding.at)
        after = replace(
            before,
            started_at=min(before.started_at, finding.started_at),
            ended_at=None,
            confidence=max(before.confidence, finding.confidence),
            findings=before.findings + joined,
            evidence=evidence if better else before.evidence,
            attributes={**(before.attributes or {}), **finding.attributes},
        )
        return self._settle(entry, after, finding.at)

    def _settle(self, entry: _Entry, incident: Incident, at: float) -> list[IncidentChange]:
        """Weigh anew; an incident that has become an alert may interrupt once."""
        severity = self._weigh(incident, at)
        announce = False
        if severity is not incident.severity:
            heard = incident.severity.is_alert and incident.announced
            announce = severity.is_alert and not heard and self._purses[severity].spend(at)
            announced = heard or announce or not severity.is_alert
            incident = replace(incident, severity=severity, announced=announced)
        if incident == entry.incident:
            return []
        entry.incident = incident
        return [IncidentChange(Change.UPDATED, incident, announce)]

    def _weigh(self, incident: Incident, at: float) -> Severity:
        """Technical states and mere information do not grow into suspicion by lasting."""
        base = self._policy.severity_of(incident.kind)
        if incident.category is Category.TECHNICAL or base is Severity.INFO:
            return base
        policy = self._policy
        insistent = (
            at - incident.started_at >= policy.escalate_seconds
            or incident.findings >= policy.escalate_findings
        )
        earned = _LADDER[min(_LADDER.index(base) + insistent, len(_LADDER) - 1)]
        return max(earned, incident.severity, key=_LADDER.index)

    def _end(self, entry: _Entry | None, finding: Finding) -> list[IncidentChange]:
        if entry is None or finding.id not in entry.finding_ids:
            return []
        entry.finding_ids.discard(finding.id)
        entry.touch(finding.at if finding.ended_at is None else finding.ended_at)
        entry.incident = replace(
            entry.incident, attributes={**(entry.incident.attributes or {}), **finding.attributes}
        )
        return [] if entry.finding_ids else self._close(entry, entry.last_at)

    def _close(self, entry: _Entry, at: float) -> list[IncidentChange]:
        entry.finding_ids.clear()
        entry.touch(at)
        entry.incident = replace(entry.incident, ended_at=max(at, entry.incident.started_at))
        return [IncidentChange(Change.CLOSED, entry.incident)]


def by_weight(incident: Incident) -> tuple[float, float]:
    """Sort key: heaviest first, then oldest first."""
    return (-incident.severity.weight, incident.started_at)


def _entry_order(entry: _Entry) -> tuple[float, float]:
    return by_weight(entry.incident)
