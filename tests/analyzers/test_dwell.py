"""Tables of looks on a virtual clock."""

from __future__ import annotations

from itertools import count
from math import inf

import pytest

from analyzers.dwell import Dwell
from analyzers.dwell_rules import BROWSER, DEFAULT_RULES, DwellRule, with_thresholds
from core.errors import BadSettings
from core.findings import Blindness, Box, Finding, Measurability, Observation, Phase
from core.kinds import Kind

BLIND = Measurability(Blindness.TOO_DARK)
RULE = DwellRule(hits=2, of=3, seconds=1.0, exit_seconds=1.0, max_gap=3.0, blind_timeout=5.0)


def look(at: float, score: float | None, kind: Kind = Kind.PHONE) -> Observation:
    """One observation; None is a look that could not measure."""
    if score is None:
        return Observation(at, "objects", kind, 0.0, BLIND)
    return Observation(at, "objects", kind, score)


def dwell(rule: DwellRule = RULE) -> Dwell:
    ids = count(1)
    return Dwell({Kind.PHONE: rule}, make_id=lambda: f"f{next(ids)}")


def run(looks: list[tuple[float, float | None]], rule: DwellRule = RULE) -> list[Finding]:
    subject = dwell(rule)
    return [finding for at, score in looks for finding in subject.feed([look(at, score)])]


def said(findings: list[Finding]) -> list[tuple[str, float, str]]:
    return [(f.id, f.at, f.phase.value) for f in findings]


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param([(0, 0.0), (1, 0.0), (2, 0.0)], [], id="nothing"),
        pytest.param([(0, 0.9)], [], id="one hit is none"),
        pytest.param([(0, 0.9), (0.5, 0.9)], [], id="two hits, too short"),
        pytest.param([(0, 0.9), (0.5, 0.9), (1, 0.9)], [("f1", 1, "start")], id="long enough"),
        pytest.param([(0, 0.9), (0.5, 0.1), (1, 0.9)], [("f1", 1, "start")], id="one miss is forgiven"),
        pytest.param([(0, 0.9), (0.5, 0.1), (1, 0.1), (1.5, 0.9)], [], id="two misses start anew"),
        pytest.param([(0, 0.9), (3.5, 0.9)], [], id="a gap starts anew"),
        pytest.param([(0, 0.9), (2.9, 0.9)], [("f1", 2.9, "start")], id="slow but continuous"),
        pytest.param(
            [(0, 0.9), (0.4, None), (0.8, None), (1.2, 0.9)], [("f1", 1.2, "start")], id="half seen"
        ),
        pytest.param(
            [(0, 0.9), (0.3, None), (0.6, None), (0.9, None), (1.2, 0.9)], [], id="mostly blind: not yet"
        ),
        pytest.param(
            [(0, 0.9), (1, 0.9), (2, 0.1), (2.5, 0.1), (3, 0.1)],
            [("f1", 1, "start"), ("f1", 3, "end")],
            id="ends after a second of clear looks",
        ),
        pytest.param(
            [(0, 0.9), (1, 0.9), (2, 0.1), (2.5, 0.4), (3, 0.1), (3.9, 0.1)],
            [("f1", 1, "start")],
            id="between exit and enter it goes on",
        ),
        pytest.param(
            [(0, 0.9), (1, 0.9), (2, 0.1), (3, None), (4, None), (4.5, 0.1), (5.4, 0.1)],
            [("f1", 1, "start")],
            id="blind time is not clear time",
        ),
        pytest.param(
            [(0, 0.9), (1, 0.9), (2, 0.1), (5.5, 0.1), (6, 0.1)],
            [("f1", 1, "start")],
            id="a gap is not clear time",
        ),
        pytest.param(
            [(0, 0.9), (1, 0.9), (2, None), (4, None), (6, None)],
            [("f1", 1, "start"), ("f1", 6, "end")],
            id="blind for too long",
        ),
        pytest.param(
            [(0, 0.9), (1, 0.9), (2, 0.1), (3, 0.1), (4, 0.9), (5, 0.9)],
            [("f1", 1, "start"), ("f1", 3, "end"), ("f2", 5, "start")],
            id="comes back as another",
        ),
    ],
)
def test_looks(looks: list[tuple[float, float | None]], expected: list[tuple[str, float, str]]) -> None:
    assert said(run(looks)) == expected


def test_start_tells_when_the_evidence_began_and_how_strong_it_was() -> None:
    box = Box(0.1, 0.2, 0.3, 0.4, "cell phone", 0.8)
    subject = dwell()
    subject.feed([look(10.0, 0.6)])
    (start,) = subject.feed([Observation(11.0, "objects", Kind.PHONE, 0.8, boxes=(box,))])
    assert (start.started_at, start.at, start.boxes) == (10.0, 11.0, (box,))
    assert start.confidence == pytest.approx(0.7)


def test_cleared_end_says_when_it_was_last_seen() -> None:
    *_, end = run([(0, 0.9), (1, 0.9), (1.5, 0.5), (2, 0.0), (2.5, 0.0), (3, 0.0)])
    assert (end.phase, end.ended_at, end.attributes["ended"]) == (Phase.END, 1.5, "cleared")


def test_blindness_is_never_an_all_clear() -> None:
    *_, end = run([(0, 0.9), (1, 0.9), (3, None), (6, None)])
    assert end.attributes["ended"] == "could_not_measure"


def test_stronger_evidence_is_an_update() -> None:
    findings = run([(0, 0.5), (1, 0.5), (1.5, 0.95), (2, 0.95)])
    assert [f.phase for f in findings] == [Phase.START, Phase.UPDATE, Phase.UPDATE]
    assert findings[-1].confidence > findings[1].confidence > findings[0].confidence


def test_something_that_lasts_is_said_again_now_and_then() -> None:
    findings = run([(at, 0.9) for at in range(13)])
    assert said(findings) == [("f1", 1, "start"), ("f1", 6, "update"), ("f1", 11, "update")]


def test_confidence_never_falls() -> None:
    findings = run([(at, 0.9 if at < 3 else 0.4) for at in range(13)])
    assert {round(f.confidence, 6) for f in findings} == {0.9}


def test_late_looks_change_nothing_and_are_counted() -> None:
    subject = dwell()
    found = [f for at in (0.0, 1.0) for f in subject.feed([look(at, 0.9)])]
    for at in (0.2, 0.4, 0.6):
        found += subject.feed([look(at, 0.0)])
    assert [f.phase for f in found] == [Phase.START]
    assert subject.late == 3


def test_tick_ends_what_nobody_looks_at_any_more() -> None:
    subject = dwell()
    subject.feed([look(0.0, 0.9)])
    subject.feed([look(1.0, 0.9)])
    assert subject.tick(5.9) == []
    (end,) = subject.tick(6.0)
    assert end.attributes["ended"] == "could_not_measure"
    assert subject.tick(7.0) == []


def test_close_ends_everything_once() -> None:
    subject = dwell()
    subject.feed([look(0.0, 0.9)])
    subject.feed([look(1.0, 0.9)])
    assert [end.attributes["ended"] for end in subject.close(2.0)] == ["closed"]
    assert subject.close(3.0) == []


def test_suspecting_names_candidates_and_findings() -> None:
    subject = dwell()
    assert subject.suspecting == frozenset()
    subject.feed([look(0.0, 0.9)])
    assert (subject.suspecting, subject.open) == ({Kind.PHONE}, frozenset())
    subject.feed([look(1.0, 0.9)])
    assert subject.open == {Kind.PHONE}


def test_detectors_do_not_mix() -> None:
    subject = dwell(DwellRule(hits=2, of=2))
    one = Observation(0.0, "objects", Kind.PHONE, 0.9)
    other = Observation(0.5, "faces", Kind.PHONE, 0.9)
    assert subject.feed([one, other]) == []


def test_irregular_sampling_needs_the_same_time() -> None:
    """Whether looked at ten times a second or once: it is said at the first look after one second."""
    for step in (0.1, 0.25, 0.7, 1.0):
        start = next(f for f in run([(n * step, 0.9) for n in range(40)]) if f.phase is Phase.START)
        assert 1.0 <= start.at < 1.0 + step + 1e-9, step


def test_a_point_starts_and_ends_at_once() -> None:
    subject = Dwell({Kind.PASTE: DEFAULT_RULES[Kind.PASTE]})
    paste = Observation(3.0, "browser", Kind.PASTE, 1.0)
    assert [f.phase for f in subject.feed([paste])] == [Phase.START, Phase.END]
    assert [f.phase for f in subject.feed([paste])] == [Phase.START, Phase.END]


def test_browser_rule_holds_for_ever_and_clears_at_once() -> None:
    subject = Dwell({Kind.TAB_HIDDEN: BROWSER})
    (start,) = subject.feed([Observation(0.0, "browser", Kind.TAB_HIDDEN, 1.0)])
    assert subject.tick(1e6) == []
    (end,) = subject.feed([Observation(2e6, "browser", Kind.TAB_HIDDEN, 0.0)])
    assert (start.id, end.phase) == (end.id, Phase.END)


@pytest.mark.parametrize(
    ("kind", "rate", "within"),
    [
        (Kind.NO_FACE, 4, 3.0),
        (Kind.MULTIPLE_FACES, 4, 2.0),
        (Kind.PHONE, 1, 2.0),
        (Kind.PHONE, 3, 0.7),
        (Kind.SPEECH, 2, 1.0),
        (Kind.IDENTITY_MISMATCH, 0.5, 2.0),
        (Kind.COVERED, 2, 2.0),
    ],
)
def test_defaults_are_quick(kind: Kind, rate: float, within: float) -> None:
    subject = Dwell()
    looks = (look(n / rate, 0.9, kind) for n in range(30))
    start = next(f for one in looks for f in subject.feed([one]))
    assert start.at <= within


def test_every_kind_that_detectors_see_has_its_own_rule() -> None:
    plumbing = {Kind.DISCONNECTED, Kind.MEDIA_STALLED, Kind.ANALYSIS_GAP, Kind.RECORDING_GAP}
    assert set(DEFAULT_RULES) == set(Kind) - plumbing


@pytest.mark.parametrize("values", [{"enter": 0.3, "exit": 0.5}, {"hits": 3, "of": 2}, {"enter": 1.5}])
def test_impossible_rules_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="wanted"):
        DwellRule(**values)  # type: ignore[arg-type]


def test_thresholds_move_exit_in_proportion() -> None:
    rules = with_thresholds({"phone": 0.8})
    before = DEFAULT_RULES[Kind.PHONE]
    assert rules[Kind.PHONE].enter == 0.8
    assert rules[Kind.PHONE].exit == pytest.approx(before.exit * 0.8 / before.enter)
    assert rules[Kind.BOOK] == DEFAULT_RULES[Kind.BOOK]


@pytest.mark.parametrize("thresholds", [{"telephone": 0.5}, {"phone": 0.0}, {"phone": 1.1}, {"phone": inf}])
def test_bad_thresholds_are_refused(thresholds: dict[str, float]) -> None:
    with pytest.raises(BadSettings):
        with_thresholds(thresholds)
