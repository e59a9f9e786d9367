from __future__ import annotations

import pytest

from core.findings import Blindness
from core.kinds import Kind
from signaling.messages import Seen
from signaling.seen import NOTED, seen
from transport.messages import Sight

ALL = ["faces", "scene", "speech", "identity"]


def sight(
    scores: dict[str, float] | None = None,
    blind: dict[str, Blindness] | None = None,
    running: list[str] | None = None,
) -> Sight:
    return Sight("a", blind or {}, ALL if running is None else running, scores or {}, {})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (sight(), Seen(face="one", light="ok", sound="quiet")),
        (sight(running=[]), Seen(face="unknown", light="unknown", sound="unknown")),
        (sight({"no_face": 0.9}), Seen(face="none", light="ok", sound="quiet")),
        (sight({"multiple_faces": 0.9, "no_face": 0.1}), Seen(face="several", light="ok", sound="quiet")),
        (sight({"dark": 0.8}), Seen(face="one", light="dark", sound="quiet", notes=[Kind.DARK])),
        (sight({"speech": 0.7}), Seen(face="one", light="ok", sound="speech")),
        (sight({"speech": 0.4}), Seen(face="one", light="ok", sound="quiet")),
        (
            sight(blind={"faces": Blindness.TOO_DARK}),
            Seen(face="unknown", light="ok", sound="quiet", blind={"faces": Blindness.TOO_DARK}),
        ),
        (
            sight(blind={"speech": Blindness.NO_SOUND}),
            Seen(face="one", light="ok", sound="unknown", blind={"speech": Blindness.NO_SOUND}),
        ),
    ],
)
def test_facts_in_plain_words(given: Sight, expected: Seen) -> None:
    assert seen(given) == expected


def test_a_student_is_not_told_whom_the_system_takes_them_for() -> None:
    certain = {kind.value: 1.0 for kind in Kind}
    assert set(seen(sight(certain)).notes) == set(NOTED)
    assert not {Kind.IDENTITY_MISMATCH, Kind.SECOND_VOICE, Kind.SECOND_PERSON, Kind.GAZE_AWAY} & set(NOTED)
