from __future__ import annotations

from itertools import count

import pytest

from analyzers.tracker import Allowance, Change, IncidentChange, IncidentTracker, TrackerPolicy
from core.findings import Finding, Phase
from core.incidents import Incident
from core.kinds import Category, Kind, Severity


def finding(
    id: str,
    phase: Phase,
    at: float,
    kind: Kind = Kind.PHONE,
    *,
    began: float | None = None,
    sure: float = 0.8,
) -> Finding:
    ended_at = at - 2.0 if phase is Phase.END else None
    return Finding(id, kind, "test", phase, at, at if began is None else began, sure, ended_at=ended_at)


def tracker(policy: TrackerPolicy | None = None) -> IncidentTracker:
    ids = count(1)
    return IncidentTracker("attempt", policy, make_id=lambda: f"i{next(ids)}")


def episode(
    subject: IncidentTracker, id: str, start: float, end: float, kind: Kind = Kind.PHONE
) -> list[IncidentChange]:
    """A finding from start to end; its evidence was last seen at `end`."""
    return subject.feed(finding(id, Phase.START, start, kind)) + subject.feed(
        finding(id, Phase.END, end + 2.0, kind, began=start)
    )


def told(changes: list[IncidentChange]) -> list[tuple[str, str]]:
    return [(change.change.value, change.incident.id) for change in changes]


def test_an_incident_opens_and_closes_with_its_finding() -> None:
    opened, closed = episode(tracker(), "f", 10.0, 14.0)
    assert (opened.change, opened.incident.open, opened.announce) == (Change.OPENED, True, True)
    assert (closed.change, closed.incident.started_at, closed.incident.ended_at) == (
        Change.CLOSED,
        10.0,
        14.0,
    )
    assert (closed.incident.severity, closed.incident.category) == (Severity.HIGH, Category.SUSPICION)


def test_close_ones_are_merged_and_far_ones_are_not() -> None:
    subject = tracker()
    assert told(episode(subject, "a", 0, 4)) == [("opened", "i1"), ("closed", "i1")]
    assert told(episode(subject, "b", 13, 15)) == [("updated", "i1"), ("closed", "i1")]
    assert told(episode(subject, "c", 26, 28)) == [("opened", "i2"), ("closed", "i2")]


def test_a_merged_incident_spans_both_and_interrupts_once() -> None:
    subject = tracker()
    changes = episode(subject, "a", 0, 4) + episode(subject, "b", 10, 12)
    merged = changes[-1].incident
    assert (merged.started_at, merged.ended_at, merged.findings) == (0, 12, 2)
    assert sum(change.announce for change in changes) == 1


def test_kinds_do_not_merge() -> None:
    subject = tracker()
    episode(subject, "a", 0, 4)
    assert told(episode(subject, "b", 1, 4, Kind.NO_FACE)) == [("opened", "i2"), ("closed", "i2")]


def test_two_findings_at_once_keep_it_open_until_both_have_ended() -> None:
    subject = tracker()
    subject.feed(finding("a", Phase.START, 0))
    subject.feed(finding("b", Phase.START, 1))
    assert subject.feed(finding("a", Phase.END, 5)) == []
    assert told(subject.feed(finding("b", Phase.END, 6))) == [("closed", "i1")]


def test_the_strongest_picture_is_the_evidence() -> None:
    subject = tracker()
    subject.feed(finding("a", Phase.START, 0, sure=0.5), evidence="first")
    subject.feed(finding("a", Phase.UPDATE, 1, sure=0.9), evidence="better")
    subject.feed(finding("a", Phase.UPDATE, 2, sure=0.6), evidence="worse")
    (incident,) = subject.open
    assert (incident.evidence, incident.confidence) == ("better", 0.9)


def test_nothing_new_is_not_told() -> None:
    subject = tracker()
    subject.feed(finding("a", Phase.START, 0))
    assert subject.feed(finding("a", Phase.UPDATE, 1, began=0)) == []


def test_lasting_weighs_more_and_becomes_an_alert_once() -> None:
    subject = tracker()
    (opened,) = subject.feed(finding("a", Phase.START, 0, Kind.GAZE_AWAY))
    assert (opened.incident.severity, opened.announce) == (Severity.LOW, False)
    assert subject.tick(14.9) == []
    (raised,) = subject.tick(15.0)
    assert (raised.incident.severity, raised.announce) == (Severity.MEDIUM, True)
    assert subject.tick(300.0) == []


def test_repetition_weighs_more() -> None:
    subject = tracker()
    changes = [
        change for n in range(4) for change in episode(subject, f"f{n}", n * 3.0, n * 3 + 1.0, Kind.COPY)
    ]
    assert [change.incident.severity for change in changes][-1] is Severity.MEDIUM
    assert sum(change.announce for change in changes) == 1


def test_technical_states_and_information_never_grow() -> None:
    subject = tracker()
    subject.feed(finding("a", Phase.START, 0, Kind.DARK))
    subject.feed(finding("b", Phase.START, 0, Kind.NOISE))
    assert subject.tick(1000.0) == []


def test_the_exam_may_weigh_otherwise() -> None:
    subject = tracker(TrackerPolicy(severities={Kind.PHONE: Severity.INFO}))
    (opened,) = subject.feed(finding("a", Phase.START, 0))
    assert (opened.incident.severity, opened.announce) == (Severity.INFO, False)


POOR = TrackerPolicy(medium=Allowance(1, 1.0), high=Allowance(1, 1.0))


def test_beyond_the_budget_nothing_interrupts_but_all_is_on_record() -> None:
    subject = tracker(POOR)
    first, *_ = episode(subject, "a", 0, 1, Kind.NO_FACE)
    second, *_ = episode(subject, "b", 20, 21, Kind.NO_FACE)
    assert (first.announce, first.incident.announced) == (True, True)
    assert (second.change, second.announce, second.incident.announced) == (Change.OPENED, False, False)


def test_the_budget_fills_again() -> None:
    subject = tracker(POOR)
    changes = episode(subject, "a", 0, 1, Kind.NO_FACE) + episode(subject, "b", 70, 71, Kind.NO_FACE)
    assert [c.announce for c in changes if c.change is Change.OPENED] == [True, True]


def test_high_ones_have_a_purse_of_their_own() -> None:
    subject = tracker(POOR)
    episode(subject, "a", 0, 1, Kind.TAB_HIDDEN)
    episode(subject, "b", 2, 3, Kind.PASTE)
    (opened, _) = episode(subject, "c", 4, 5, Kind.IDENTITY_MISMATCH)
    assert opened.announce


def test_what_was_held_back_is_merged_more_widely() -> None:
    subject = tracker(POOR)
    episode(subject, "a", 0, 1, Kind.NO_FACE)
    episode(subject, "b", 20, 21, Kind.NO_FACE)
    assert told(episode(subject, "c", 50, 51, Kind.NO_FACE))[0] == ("updated", "i2")


def test_held_back_then_heavier_may_still_interrupt() -> None:
    subject = tracker(POOR)
    episode(subject, "a", 0, 1, Kind.TAB_HIDDEN)
    subject.feed(finding("b", Phase.START, 5, Kind.NO_FACE))
    (raised,) = subject.tick(21.0)
    assert (raised.incident.severity, raised.announce, raised.incident.announced) == (
        Severity.HIGH,
        True,
        True,
    )


def test_open_is_sorted_by_weight_then_age() -> None:
    subject = tracker()
    for n, kind in enumerate((Kind.GAZE_AWAY, Kind.SPEECH, Kind.PHONE, Kind.SECOND_VOICE)):
        subject.feed(finding(kind.value, Phase.START, float(n), kind))
    assert [one.kind for one in subject.open] == [Kind.PHONE, Kind.SECOND_VOICE, Kind.SPEECH, Kind.GAZE_AWAY]


def test_close_all_ends_what_is_open_and_only_once() -> None:
    subject = tracker()
    episode(subject, "a", 0, 1)
    subject.feed(finding("b", Phase.START, 5, Kind.SPEECH))
    (closed,) = subject.close_all(9.0)
    assert (closed.incident.kind, closed.incident.ended_at) == (Kind.SPEECH, 9.0)
    assert subject.close_all(10.0) == []


@pytest.mark.parametrize("phase", [Phase.END])
def test_an_end_of_nothing_known_is_ignored(phase: Phase) -> None:
    assert tracker().feed(finding("ghost", phase, 3.0)) == []


def persisted(id: str, started: float, ended: float | None, kind: Kind = Kind.NO_FACE) -> Incident:
    return Incident(id, "attempt", kind, Severity.MEDIUM, Category.SUSPICION, started, ended, 0.7)


def test_restored_incidents_are_taken_up_by_the_next_finding() -> None:
    subject = tracker()
    subject.restore([persisted("old", 0.0, None)], at=20.0)
    changes = subject.feed(finding("new", Phase.START, 24.0, Kind.NO_FACE))
    assert told(changes) == [("updated", "old")]
    assert changes[0].incident.findings == 2


def test_restored_incidents_nobody_takes_up_are_closed_where_the_trace_ends() -> None:
    subject = tracker()
    subject.restore([persisted("old", 0.0, None), persisted("older", 0.0, 5.0, Kind.SPEECH)], at=20.0)
    subject.tick(29.0)
    closed = [change for change in subject.tick(31.0) if change.change is Change.CLOSED]
    assert [(change.incident.id, change.incident.ended_at) for change in closed] == [("old", 20.0)]


def test_restored_alerts_count_against_the_budget() -> None:
    subject = tracker(POOR)
    subject.restore([persisted("old", 10.0, 12.0)], at=20.0)
    (opened, _) = episode(subject, "a", 30, 31, Kind.SPEECH)
    assert not opened.announce
