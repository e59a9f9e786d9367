"""An attempt's states, after LTI 1.3's Assessment Control Service, and what may follow what."""

from __future__ import annotations

from enum import StrEnum

from core.errors import IllegalTransition


class AttemptStatus(StrEnum):
    NONE = "none"
    """Admitted, not started: preflight and consent."""
    RUNNING = "running"
    PAUSED = "paused"
    TERMINATED = "terminated"
    COMPLETE = "complete"

    @property
    def over(self) -> bool:
        return self in (AttemptStatus.TERMINATED, AttemptStatus.COMPLETE)


class Action(StrEnum):
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    TERMINATE = "terminate"
    COMPLETE = "complete"


_TRANSITIONS: dict[tuple[AttemptStatus, Action], AttemptStatus] = {
    (AttemptStatus.NONE, Action.START): AttemptStatus.RUNNING,
    (AttemptStatus.NONE, Action.TERMINATE): AttemptStatus.TERMINATED,
    (AttemptStatus.RUNNING, Action.PAUSE): AttemptStatus.PAUSED,
    (AttemptStatus.RUNNING, Action.TERMINATE): AttemptStatus.TERMINATED,
    (AttemptStatus.RUNNING, Action.COMPLETE): AttemptStatus.COMPLETE,
    (AttemptStatus.PAUSED, Action.RESUME): AttemptStatus.RUNNING,
    (AttemptStatus.PAUSED, Action.TERMINATE): AttemptStatus.TERMINATED,
    (AttemptStatus.PAUSED, Action.COMPLETE): AttemptStatus.COMPLETE,
}


def transition(status: AttemptStatus, action: Action) -> AttemptStatus:
    """The status after `action`; raises IllegalTransition and changes nothing where it does not fit."""
    try:
        return _TRANSITIONS[status, action]
    except KeyError:
        raise IllegalTransition(status=status.value, action=action.value) from None


def allowed(status: AttemptStatus) -> frozenset[Action]:
    return frozenset(action for (state, action) in _TRANSITIONS if state is status)
