"""Things that do not belong into an exam: phone, book, another screen, another person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from analyzers.engines.base import ObjectEngine, Thing
from analyzers.engines.coco import BOOK, LAPTOP, PERSON, PHONE, TV
from analyzers.engines.suppress import strongest
from analyzers.picture import light, thumbnail
from analyzers.watch import box_of
from core.findings import Measurability, Observation
from core.kinds import Kind
from core.samples import VideoSample


@dataclass(frozen=True, slots=True)
class ObjectSettings:
    rate_hz: float = 1.0
    burst_hz: float = 3.0
    """While something is suspected."""
    doubt: float = 0.08
    """Score from which a phone in the whole picture earns a second, closer look."""
    sure: float = 0.5
    """Score from which it needs none."""
    closer: tuple[float, ...] = (0.5, 0.33)
    """Sides of the closer looks, as fractions of the picture's longer side; the next one only while
    there is doubt. A phone of 60 px in 640×480 is then found about as surely as one of 130 px."""
    drawn: float = 0.3
    """Score from which a thing gets a box."""
    person: float = 0.35
    """Score from which somebody beside the student is told at all."""
    person_height: float = 0.25
    """Fraction of the picture's height: smaller persons are pictures on the wall or far away."""
    same_person: float = 0.92
    """A person's box of which so much lies inside the student's own is a part of the student."""


SAME = 0.5
"""Boxes of one label that overlap more are one thing."""
_LABELS = {PHONE: Kind.PHONE, BOOK: Kind.BOOK, LAPTOP: Kind.LAPTOP, TV: Kind.LAPTOP}
_NAMES = {PHONE: "phone", BOOK: "book", LAPTOP: "laptop", TV: "screen", PERSON: "person"}


class ObjectDetector:
    """Scores are the engine's own; limits are the dwell rules' (phone .4, person .5)."""

    name: ClassVar[str] = "objects"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.PHONE, Kind.BOOK, Kind.LAPTOP, Kind.SECOND_PERSON})

    def __init__(self, engine: ObjectEngine, settings: ObjectSettings | None = None) -> None:
        self._engine = engine
        self._settings = settings or ObjectSettings()

    def reset(self) -> None:
        """Remembers nothing."""

    def observe(self, sample: VideoSample) -> Sequence[Observation]:
        blind = light(thumbnail(sample.image)).blindness
        if blind:
            return [
                Observation(sample.at, self.name, kind, 0.0, Measurability(blind))
                for kind in sorted(self.kinds)
            ]
        things = self._engine.find(sample.image, self._settings.doubt)
        things = self._look_closer(sample, things)
        by_kind: dict[Kind, list[Thing]] = {Kind.PHONE: [], Kind.BOOK: [], Kind.LAPTOP: []}
        for thing in things:
            if thing.label in _LABELS:
                by_kind[_LABELS[thing.label]].append(thing)
        seen = [self._say(sample, kind, found) for kind, found in by_kind.items()]
        return [*seen, self._say(sample, Kind.SECOND_PERSON, self._others(sample, things))]

    def _look_closer(self, sample: VideoSample, things: Sequence[Thing]) -> list[Thing]:
        """Where a phone is doubtful, look at its surroundings enlarged, and add what is seen there."""
        seen = list(things)
        for share in self._settings.closer:
            doubtful = max((thing for thing in seen if thing.label == PHONE), key=_score, default=None)
            if doubtful is None or doubtful.score >= self._settings.sure:
                break
            seen += self._phones_around(sample, doubtful, share)
        return strongest(seen, SAME)

    def _phones_around(self, sample: VideoSample, thing: Thing, share: float) -> list[Thing]:
        """In a square around a thing, `share` of the picture's longer side."""
        side = round(share * max(sample.width, sample.height))
        x, y = thing.box.centre
        left = int(np.clip(x - side / 2, 0, max(0, sample.width - side)))
        top = int(np.clip(y - side / 2, 0, max(0, sample.height - side)))
        crop = np.ascontiguousarray(sample.image[top : top + side, left : left + side])
        return [
            Thing(found.label, found.score, found.box.moved(left, top))
            for found in self._engine.find(crop, self._settings.doubt)
            if found.label == PHONE
        ]

    def _others(self, sample: VideoSample, things: Sequence[Thing]) -> list[Thing]:
        """Persons beside the student, who is the one that takes most of the picture."""
        settings = self._settings
        persons = [thing for thing in things if thing.label == PERSON and thing.score >= settings.person]
        persons = [person for person in persons if not _is_group(person, persons)]
        if len(persons) < 2:
            return []
        student = max(persons, key=lambda thing: thing.box.area)
        return [
            thing
            for thing in persons
            if thing is not student
            and thing.box.height >= settings.person_height * sample.height
            and thing.box.overlap(student.box) < settings.same_person * thing.box.area
        ]

    def _say(self, sample: VideoSample, kind: Kind, things: Sequence[Thing]) -> Observation:
        if not things:
            return Observation(sample.at, self.name, kind, 0.0)
        boxes = tuple(
            box_of(thing.box, sample.width, sample.height, _NAMES[thing.label], thing.score)
            for thing in things
            if thing.score >= self._settings.drawn
        )
        best = max(things, key=_score)
        facts = {"label": _NAMES[best.label]}
        return Observation(sample.at, self.name, kind, min(1.0, best.score), boxes=boxes, attributes=facts)


def _is_group(box: Thing, persons: Sequence[Thing]) -> bool:
    """One box around several people."""
    within = [other for other in persons if other.box.overlap(box.box) > 0.8 * other.box.area]
    return len(within) > 2  # itself and two more


def _score(thing: Thing) -> float:
    return thing.score
