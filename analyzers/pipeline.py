"""One student, from samples to findings: detectors, their schedule, the dwell, and what cannot be seen.

Plain and synchronous; its clock is the samples'. The live worker and `invigil analyze` use the very
same pipeline, one by the wall clock, the other by media time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from analyzers.dwell import Dwell
from analyzers.dwell_rules import DEFAULT_RULES, DwellRule
from analyzers.registry import Panel, Placed
from analyzers.scene import SceneDetector
from analyzers.schedule import StudentSchedule, Tempo
from core.findings import Blindness, Box, Finding, Observation
from core.kinds import Kind
from core.samples import AudioChunk, VideoSample

_NO_PICTURE_S, _NO_SOUND_S = 3.0, 4.0
_BOX_S = 1.5
"""A thing seen is drawn for so long after the look that saw it."""
_COUNTED_S = 5.0
_SMOOTHING = 0.5


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn over a picture; all in fractions of it (0–1)."""

    boxes: tuple[Box, ...] = ()
    points: tuple[tuple[float, float], ...] = ()
    gaze: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class SightState:
    """What is and what is not seen now; the fields are those of the Sight message."""

    blind: Mapping[str, Blindness]
    running: tuple[str, ...]
    scores: Mapping[str, float]
    looks_per_second: Mapping[str, float]


class StudentPipeline:
    """Everything that watches one student. Samples come in order of time, sound and picture apart."""

    def __init__(
        self,
        panel: Panel,
        *,
        rules: Mapping[Kind, DwellRule] = DEFAULT_RULES,
        kinds_off: frozenset[Kind] = frozenset(),
        tempo: Tempo | None = None,
    ) -> None:
        """`kinds_off`: accommodations; their observations are dropped before anything counts them."""
        self._panel = panel
        self._rules = rules
        self._kinds_off = kinds_off
        self._seers: dict[str, Placed] = {one.detector.name: one for one in panel.of(VideoSample)}
        self._listeners = {one.detector.name: one.detector for one in panel.of(AudioChunk)}
        self._detector_of = {kind: name for name, one in self._seers.items() for kind in one.detector.kinds}
        self.schedule = StudentSchedule(
            {name: one.rate_hz or inf for name, one in self._seers.items()}, tempo
        )
        self._dwell = Dwell(rules)
        self._last: dict[tuple[str, Kind], Observation] = {}
        self._scores: dict[Kind, float] = {}
        self._looks: dict[str, deque[float]] = {name: deque(maxlen=64) for name in self.running}
        self._picture_at = -inf
        self._looked_at = -inf
        self._sound_at = -inf

    @property
    def running(self) -> tuple[str, ...]:
        return (*self._seers, *self._listeners)

    @property
    def open(self) -> frozenset[Kind]:
        """Kinds that are found right now."""
        return self._dwell.open

    def due(self, at: float) -> bool:
        """Whether any detector wants a picture taken at `at`."""
        return bool(self.schedule.due(at))

    def arrived(self, at: float) -> None:
        """A picture taken at `at` has come, whether or not there is time to look at it."""
        if at - self._picture_at > _NO_PICTURE_S:
            self._looked_at = at  # After a break the wait for a look begins here.
        self._picture_at = max(self._picture_at, at)

    def look(self, sample: VideoSample) -> list[Finding]:
        """Let the detectors that are due, and those that ask for it, look at a picture."""
        self.arrived(sample.at)
        self._looked_at = sample.at
        due = set(self.schedule.due(sample.at))
        observations: list[Observation] = []
        for name, placed in self._seers.items():
            if name not in due and not self._asks(placed, sample):
                continue
            self.schedule.looked(name, sample.at)
            observations += self._take(name, sample.at, placed.detector.observe(sample))
        findings = self._dwell.feed(observations)
        self._set_pace(sample.at)
        return findings

    def listen(self, chunk: AudioChunk) -> list[Finding]:
        self._sound_at = chunk.at + chunk.seconds
        observations: list[Observation] = []
        for name, detector in self._listeners.items():
            observations += self._take(name, self._sound_at, detector.observe(chunk))
        return self._dwell.feed(observations)

    def tick(self, now: float) -> list[Finding]:
        """End findings that nothing has looked at for too long."""
        return self._dwell.tick(now)

    def close(self, at: float) -> list[Finding]:
        return self._dwell.close(at)

    def interrupt(self) -> None:
        """The stream broke: detectors forget what they saw; findings wait for a look, or time out."""
        self._panel.reset()
        self.schedule.forget()
        self._last.clear()

    def adopt(self, former: StudentPipeline) -> None:
        """Go on with the findings of a pipeline whose settings were others."""
        self._dwell = former._dwell
        self._dwell.change_rules(self._rules)
        self._picture_at, self._looked_at = former._picture_at, former._looked_at
        self._sound_at = former._sound_at

    def drawing(self, at: float) -> Drawing:
        """What was seen last, as long as it is fresh."""
        seen = self._panel.watch.overlay()
        things = tuple(self._fresh_boxes("objects", at))
        if seen is None or at - seen.at > _BOX_S:
            return Drawing(things)
        return Drawing((*self._named(seen.faces), *things), seen.points, seen.gaze)

    def sight(self, now: float) -> SightState:
        return SightState(
            blind=self._blind(now),
            running=self.running,
            scores={kind.value: round(score, 3) for kind, score in self._scores.items()},
            looks_per_second={name: self._pace(name, now) for name in self.running},
        )

    def _asks(self, placed: Placed, sample: VideoSample) -> bool:
        return placed.detector.name not in self.schedule.overloaded and placed.wants(sample)

    def _take(self, name: str, at: float, observations: Sequence[Observation]) -> list[Observation]:
        self._looks[name].append(at)
        kept = [one for one in observations if one.kind not in self._kinds_off]
        for one in kept:
            self._last[name, one.kind] = one
            if one.measurable.ok:
                before = self._scores.get(one.kind, one.score)
                self._scores[one.kind] = before + _SMOOTHING * (one.score - before)
        return kept

    def _set_pace(self, at: float) -> None:
        suspecting = {self._detector_of[kind] for kind in self._dwell.suspecting if kind in self._detector_of}
        self.schedule.suspect(suspecting, at)
        scene = self._panel.get("scene")
        if isinstance(scene, SceneDetector):
            self.schedule.moved(scene.motion, at)

    def _named(self, faces: tuple[Box, ...]) -> tuple[Box, ...]:
        """The student's face is called a stranger's while it is taken for one."""
        if not faces or Kind.IDENTITY_MISMATCH not in self.open:
            return faces
        return (replace(faces[0], label="another person"), *faces[1:])

    def _fresh_boxes(self, name: str, at: float) -> Iterable[Box]:
        for (detector, kind), one in self._last.items():
            if detector == name and at - one.at <= _BOX_S:
                least = self._rules.get(kind, DwellRule()).exit
                yield from (box for box in one.boxes if box.score >= least)

    def _blind(self, now: float) -> dict[str, Blindness]:
        """By detector where nothing of it is measured; by kind where only that is not."""
        blind: dict[str, Blindness] = {}
        for name in self._seers:
            if name in self.schedule.overloaded:
                blind[name] = Blindness.OVERLOADED
            elif now - self._picture_at > _NO_PICTURE_S:
                blind[name] = Blindness.NO_PICTURE
            elif now - self._looked_at > _NO_PICTURE_S:
                blind[name] = Blindness.OVERLOADED
            else:
                blind.update(self._blind_kinds(name))
        for name in self._listeners:
            deaf = now - self._sound_at > _NO_SOUND_S
            blind.update({name: Blindness.NO_SOUND} if deaf else self._blind_kinds(name))
        return blind

    def _blind_kinds(self, name: str) -> dict[str, Blindness]:
        seen = [one for (detector, _), one in self._last.items() if detector == name]
        reasons = {one.kind.value: one.measurable.reason for one in seen if one.measurable.reason}
        if reasons and len(reasons) == len(seen):
            return {name: next(iter(reasons.values()))}
        return reasons

    def _pace(self, name: str, now: float) -> float:
        recent = sum(1 for at in self._looks[name] if now - at <= _COUNTED_S)
        return round(recent / _COUNTED_S, 2)
