from __future__ import annotations

import pytest

from analyzers.base import Detector
from analyzers.browser import BrowserDetector, BrowserWatch
from core.findings import Phase
from core.kinds import Kind
from core.samples import ClientSignal, SignalKind


def play(*signals: tuple[SignalKind, dict[str, str | int | float | bool]]) -> list[tuple[str, str, float]]:
    """Signals at 0, 1, 2 …; what was found: kind, phase, at."""
    watch = BrowserWatch()
    return [
        (finding.kind.value, finding.phase.value, finding.at)
        for at, (kind, detail) in enumerate(signals)
        for finding in watch.push(ClientSignal(float(at), kind, detail))
    ]


def plain(*kinds: SignalKind) -> list[tuple[str, str, float]]:
    return play(*((kind, {}) for kind in kinds))


def test_it_keeps_the_contract() -> None:
    detector = BrowserDetector()
    assert isinstance(detector, Detector)
    seen = detector.observe(ClientSignal(1.0, SignalKind.TAB_HIDDEN))
    assert {one.kind for one in seen} == detector.kinds
    assert {one.kind for one in seen if one.score} == {Kind.TAB_HIDDEN}


@pytest.mark.parametrize(
    ("on", "off", "kind"),
    [
        (SignalKind.TAB_HIDDEN, SignalKind.TAB_VISIBLE, "tab_hidden"),
        (SignalKind.WINDOW_BLUR, SignalKind.WINDOW_FOCUS, "window_blur"),
        (SignalKind.FULLSCREEN_LEFT, SignalKind.FULLSCREEN_ENTERED, "fullscreen_left"),
        (SignalKind.DEVTOOLS_OPENED, SignalKind.DEVTOOLS_CLOSED, "devtools"),
    ],
)
def test_it_holds_until_the_opposite(on: SignalKind, off: SignalKind, kind: str) -> None:
    assert plain(on, SignalKind.COPY, on, off) == [
        (kind, "start", 0.0),
        ("copy", "start", 1.0),
        ("copy", "end", 1.0),
        (kind, "end", 3.0),
    ]


@pytest.mark.parametrize(
    ("signal", "kind"),
    [
        (SignalKind.COPY, "copy"),
        (SignalKind.CUT, "copy"),
        (SignalKind.PASTE, "paste"),
        (SignalKind.SHORTCUT, "shortcut"),
    ],
)
def test_it_happens_at_an_instant(signal: SignalKind, kind: str) -> None:
    assert plain(signal, signal) == [
        (kind, "start", 0.0), (kind, "end", 0.0), (kind, "start", 1.0), (kind, "end", 1.0)
    ]  # fmt: skip


def test_a_hidden_tab_is_not_blurred_as_well() -> None:
    both = [SignalKind.WINDOW_BLUR, SignalKind.TAB_HIDDEN, SignalKind.TAB_VISIBLE, SignalKind.WINDOW_FOCUS]
    assert [(kind, phase) for kind, phase, _ in plain(*both)] == [
        ("window_blur", "start"),
        ("tab_hidden", "start"),
        ("window_blur", "end"),
        ("tab_hidden", "end"),
        ("window_blur", "start"),
        ("window_blur", "end"),
    ]


def test_displays() -> None:
    displays = SignalKind.DISPLAYS
    assert play((displays, {"count": 1}), (displays, {"count": 2}), (displays, {"count": 1})) == [
        ("second_display", "start", 1.0),
        ("second_display", "end", 2.0),
    ]


@pytest.mark.parametrize(
    ("track", "lost"),
    [("camera", "camera_muted"), ("microphone", "microphone_muted"), ("screen", "screen_stopped")],
)
@pytest.mark.parametrize("signal", [SignalKind.TRACK_MUTED, SignalKind.TRACK_ENDED])
def test_lost_tracks_come_back(track: str, lost: str, signal: SignalKind) -> None:
    assert play((signal, {"track": track}), (SignalKind.TRACK_UNMUTED, {"track": track})) == [
        (lost, "start", 0.0),
        (lost, "end", 1.0),
    ]


def test_a_replaced_camera_is_said_and_is_no_longer_muted() -> None:
    camera = {"track": "camera", "label": "OBS Virtual Camera"}
    found = play((SignalKind.TRACK_ENDED, {"track": "camera"}), (SignalKind.TRACK_REPLACED, camera))
    assert sorted(found) == [
        ("camera_muted", "end", 1.0),
        ("camera_muted", "start", 0.0),
        ("camera_replaced", "end", 1.0),
        ("camera_replaced", "start", 1.0),
    ]


def test_facts_travel_with_the_finding() -> None:
    (start, _) = BrowserWatch().push(ClientSignal(0.0, SignalKind.SHORTCUT, {"keys": "ctrl+shift+i"}))
    assert start.attributes["keys"] == "ctrl+shift+i"


def test_unknown_tracks_and_odd_details_are_harmless() -> None:
    assert (
        play((SignalKind.TRACK_MUTED, {"track": "kitchen"}), (SignalKind.DISPLAYS, {"count": "many"})) == []
    )


def test_closing_ends_what_held_and_forgets_it() -> None:
    watch = BrowserWatch()
    watch.push(ClientSignal(0.0, SignalKind.TAB_HIDDEN))
    assert [(f.phase, f.attributes["ended"]) for f in watch.close(5.0)] == [(Phase.END, "closed")]
    assert watch.push(ClientSignal(6.0, SignalKind.COPY))[0].kind is Kind.COPY
    assert watch.close(7.0) == []
