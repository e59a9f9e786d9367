"""From one instant to something that lasts: observation, finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.kinds import Kind


class Blindness(StrEnum):
    """Why something could not be measured. Shown to people in words; never held against the student."""

    NO_PICTURE = "no_picture"
    NO_SOUND = "no_sound"
    FROZEN = "frozen"
    TOO_DARK = "too_dark"
    COVERED = "covered"
    FACE_TOO_SMALL = "face_too_small"
    FACE_TURNED = "face_turned"
    FACE_OCCLUDED = "face_occluded"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    NOT_ENROLLED = "not_enrolled"
    NOT_CALIBRATED = "not_calibrated"
    TOO_LITTLE_SPEECH = "too_little_speech"
    OVERLOADED = "overloaded"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Measurability:
    """Whether a detector could do its job on a sample; if not, why."""

    reason: Blindness | None = None

    @property
    def ok(self) -> bool:
        return self.reason is None


MEASURED = Measurability()


@dataclass(frozen=True, slots=True)
class Box:
    """A labelled rectangle in fractions of the picture (0–1, origin top left)."""

    left: float
    top: float
    right: float
    bottom: float
    label: str
    score: float = 1.0

    def __post_init__(self) -> None:
        if not (self.left <= self.right and self.top <= self.bottom):
            raise ValueError(f"box is inside out: {self}")

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one detector says about one kind at one instant. A sample yields one for every kind the
    detector watches, also when nothing is there (score 0): silence would look like health."""

    at: float
    detector: str
    kind: Kind
    score: float
    """0–1: how strongly the sample speaks for `kind`. Meaningless where not measurable."""
    measurable: Measurability = MEASURED
    boxes: tuple[Box, ...] = ()
    attributes: Mapping[str, float | str] = field(default_factory=dict)
    """Facts for people: yaw_deg, distance, label…"""

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score must be within 0–1, got {self.score}")


class Phase(StrEnum):
    START = "start"
    UPDATE = "update"
    END = "end"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that lasted long enough to be worth saying. The same `id` from start to end."""

    id: str
    kind: Kind
    detector: str
    phase: Phase
    at: float
    """When this phase was said (the sample's clock)."""
    started_at: float
    """When the evidence began (before the dwell time had passed)."""
    confidence: float
    """0–1, the strongest mean score seen so far."""
    boxes: tuple[Box, ...] = ()
    attributes: Mapping[str, float | str] = field(default_factory=dict)
    ended_at: float | None = None
    """With END: when the evidence was last seen, which is before the clearing time had passed."""
