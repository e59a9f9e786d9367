"""What a person does about what they see, while it happens."""

from __future__ import annotations

from enum import StrEnum


class InterventionKind(StrEnum):
    MESSAGE = "message"
    WARN = "warn"
    """The student must acknowledge it."""
    PAUSE = "pause"
    RESUME = "resume"
    EXTEND = "extend"
    TERMINATE = "terminate"
    FLAG = "flag"
    UNFLAG = "unflag"
    TALK = "talk"

    @property
    def wants_acknowledgement(self) -> bool:
        return self is InterventionKind.WARN
