"""An exam's states, and what its professor settled about watching it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ExamStatus(StrEnum):
    DRAFT = "draft"
    """Only its staff see it."""
    OPEN = "open"
    CLOSED = "closed"


class Strictness(StrEnum):
    LENIENT = "lenient"
    NORMAL = "normal"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class ExamSettings:
    """Which detectors watch and how strictly; what students must share; whether it is recorded."""

    detectors: Mapping[str, bool] = field(default_factory=dict)
    """Detector name → on or off; those not named follow the server's settings. Likewise below."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Kind → enter score."""
    strictness: Strictness = Strictness.NORMAL
    screen: bool = False
    """Students must share their screen."""
    fullscreen: bool = False
    record: bool = True

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ExamSettings:
        """Raises ValueError or TypeError on what it does not know: a typo must not go unnoticed."""
        known = dict(stored)
        if "strictness" in known:
            known["strictness"] = Strictness(known["strictness"])
        return cls(**known)
