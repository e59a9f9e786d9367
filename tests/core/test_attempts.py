"""Every state × every action: what is allowed leads on, everything else changes nothing and says so."""

import itertools

import pytest

from core.attempts import Action, AttemptStatus, allowed, transition
from core.errors import IllegalTransition

S, A = AttemptStatus, Action
LEADS = {
    (S.NONE, A.START): S.RUNNING,
    (S.NONE, A.TERMINATE): S.TERMINATED,
    (S.RUNNING, A.PAUSE): S.PAUSED,
    (S.RUNNING, A.TERMINATE): S.TERMINATED,
    (S.RUNNING, A.COMPLETE): S.COMPLETE,
    (S.PAUSED, A.RESUME): S.RUNNING,
    (S.PAUSED, A.TERMINATE): S.TERMINATED,
    (S.PAUSED, A.COMPLETE): S.COMPLETE,
}


@pytest.mark.parametrize(("status", "action"), list(itertools.product(S, A)))
def test_transition_table(status: AttemptStatus, action: Action) -> None:
    if (status, action) in LEADS:
        assert transition(status, action) is LEADS[status, action]
        assert action in allowed(status)
    else:
        assert action not in allowed(status)
        with pytest.raises(IllegalTransition, match=f"{status} cannot be changed with {action}"):
            transition(status, action)


def test_what_is_over_stays_over() -> None:
    assert {status for status in S if status.over} == {S.TERMINATED, S.COMPLETE}
    assert all(not allowed(status) for status in S if status.over)
