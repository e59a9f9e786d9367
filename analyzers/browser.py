"""What a student's browser says about itself: tab, focus, clipboard, displays, tracks.

No smoothing is needed, only memory: what was hidden stays hidden until the page says otherwise. The
browser can be lied to; these are hints for a proctor, like everything else here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from analyzers.dwell import Dwell
from core.findings import Finding, Observation
from core.kinds import Kind
from core.samples import ClientSignal, SignalKind

_POINTS: dict[SignalKind, Kind] = {
    SignalKind.COPY: Kind.COPY,
    SignalKind.CUT: Kind.COPY,
    SignalKind.PASTE: Kind.PASTE,
    SignalKind.SHORTCUT: Kind.SHORTCUT,
}
"""Happen at an instant."""

_SWITCHES: dict[SignalKind, tuple[Kind, bool]] = {
    SignalKind.TAB_HIDDEN: (Kind.TAB_HIDDEN, True),
    SignalKind.TAB_VISIBLE: (Kind.TAB_HIDDEN, False),
    SignalKind.WINDOW_BLUR: (Kind.WINDOW_BLUR, True),
    SignalKind.WINDOW_FOCUS: (Kind.WINDOW_BLUR, False),
    SignalKind.FULLSCREEN_LEFT: (Kind.FULLSCREEN_LEFT, True),
    SignalKind.FULLSCREEN_ENTERED: (Kind.FULLSCREEN_LEFT, False),
    SignalKind.DEVTOOLS_OPENED: (Kind.DEVTOOLS, True),
    SignalKind.DEVTOOLS_CLOSED: (Kind.DEVTOOLS, False),
}
"""Hold until their opposite."""

_TRACK_LOST: dict[str, Kind] = {
    "camera": Kind.CAMERA_MUTED,
    "microphone": Kind.MICROPHONE_MUTED,
    "screen": Kind.SCREEN_STOPPED,
}
_TRACK_REPLACED: dict[str, Kind] = {
    "camera": Kind.CAMERA_REPLACED,
    "microphone": Kind.MICROPHONE_REPLACED,
}
_LOSSES = frozenset({SignalKind.TRACK_MUTED, SignalKind.TRACK_ENDED})
_RETURNS = frozenset({SignalKind.TRACK_UNMUTED, SignalKind.TRACK_REPLACED})


class BrowserDetector:
    """Signals in, one observation a kind out, each 0 or 1."""

    name: ClassVar[str] = "browser"
    kinds: ClassVar[frozenset[Kind]] = frozenset(
        {
            *_POINTS.values(),
            *(kind for kind, _ in _SWITCHES.values()),
            *_TRACK_LOST.values(),
            *_TRACK_REPLACED.values(),
            Kind.SECOND_DISPLAY,
        }
    )

    def __init__(self) -> None:
        self._holding: set[Kind] = set()
        self._facts: dict[Kind, dict[str, float | str]] = {}

    def observe(self, sample: ClientSignal) -> Sequence[Observation]:
        points = self._take(sample)
        on = self._holding | points
        if Kind.TAB_HIDDEN in on:
            # A hidden tab has lost the focus too: saying it twice helps nobody.
            on = on - {Kind.WINDOW_BLUR}
        return [
            Observation(
                at=sample.at,
                detector=self.name,
                kind=kind,
                score=1.0 if kind in on else 0.0,
                attributes=self._facts.get(kind, {}) if kind in on else {},
            )
            for kind in sorted(self.kinds)
        ]

    def reset(self) -> None:
        """The page went away or came anew: it will say again what is so."""
        self._holding.clear()
        self._facts.clear()

    def _take(self, sample: ClientSignal) -> set[Kind]:
        """Remember what holds from now on; the kinds that happen at this instant only."""
        detail = {key: _plain(value) for key, value in sample.detail.items()}
        if sample.kind in _POINTS:
            kind = _POINTS[sample.kind]
            self._facts[kind] = {"action": sample.kind.value, **detail}
            return {kind}
        if sample.kind in _SWITCHES:
            kind, on = _SWITCHES[sample.kind]
            self._hold(kind, on, detail)
        elif sample.kind is SignalKind.DISPLAYS:
            count = detail.get("count", 1.0)
            self._hold(Kind.SECOND_DISPLAY, isinstance(count, float) and count > 1, detail)
        else:
            return self._take_track(sample.kind, detail)
        return set()

    def _take_track(self, signal: SignalKind, detail: dict[str, float | str]) -> set[Kind]:
        track = str(detail.get("track", ""))
        lost = _TRACK_LOST.get(track)
        if lost is not None and (signal in _LOSSES or signal in _RETURNS):
            self._hold(lost, signal in _LOSSES, {**detail, "signal": signal.value})
        replaced = _TRACK_REPLACED.get(track)
        if signal is not SignalKind.TRACK_REPLACED or replaced is None:
            return set()
        self._facts[replaced] = detail
        return {replaced}

    def _hold(self, kind: Kind, on: bool, detail: dict[str, float | str]) -> None:
        if on:
            self._holding.add(kind)
            self._facts[kind] = detail
        else:
            self._holding.discard(kind)


def _plain(value: str | int | float | bool) -> float | str:
    return value if isinstance(value, str) else float(value)


class BrowserWatch:
    """One student's browser, from signals to findings: what the web process keeps per attempt."""

    def __init__(self) -> None:
        self._detector = BrowserDetector()
        self._dwell = Dwell()

    def push(self, signal: ClientSignal) -> list[Finding]:
        return self._dwell.feed(self._detector.observe(signal))

    def close(self, at: float) -> list[Finding]:
        """The page has gone (reload, lost connection, end): whatever held is over, not cleared."""
        self._detector.reset()
        return self._dwell.close(at)
