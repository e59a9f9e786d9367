"""docs/protocol.md says what signaling/messages.py does: no message, kind or signal is missing or wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from core.findings import Blindness
from core.kinds import Kind, category_of, default_severity
from core.samples import SignalKind
from signaling import messages
from signaling.telling import SAID_TO_STUDENTS, TOLD_TO_STUDENTS

DOC = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
SECTIONS = {
    "Everybody → server": messages.AnyClientMessage,
    "Student → server": messages.StudentMessage,
    "Proctor → server": messages.ProctorMessage,
}
STUDENT_BOUND = (
    messages.Pong
    | messages.Ok
    | messages.ProblemMessage
    | messages.EventMessage
    | messages.Bye
    | messages.StudentWelcome
    | messages.AttemptMessage
    | messages.Content
    | messages.Published
    | messages.MediaState
    | messages.Seen
    | messages.InterventionMessage
    | messages.TalkState
)
PROCTOR_BOUND = (
    messages.ProctorWelcome | messages.Tile | messages.Watching | messages.Mapping | messages.OverlayMessage
    | messages.WorkerState
)  # fmt: skip
SERVER_SECTIONS = {
    "Server → everybody": STUDENT_BOUND,
    "Server → student": STUDENT_BOUND,
    "Server → proctor": PROCTOR_BOUND,
}


def examples() -> list[tuple[str, str, str]]:
    """(section, heading, JSON) of each example."""
    found = []
    section = heading = ""
    for match in re.finditer(r"^## ([^\n]+)$|^### ([^\n]+)$|^```json\n(.*?)^```", DOC, re.M | re.S):
        section, heading = match[1] or section, match[2] or heading
        if match[3]:
            found.append((section, heading, match[3]))
    return found


def tag(member: type[msgspec.Struct]) -> str:
    return str(member.__struct_config__.tag)


@pytest.mark.parametrize(("section", "heading", "text"), examples())
def test_each_example_is_a_message_of_its_section(section: str, heading: str, text: str) -> None:
    union = {**SECTIONS, **SERVER_SECTIONS}[section]
    # JSON has no place for the ellipses of SDP, so they are inside strings; strict otherwise.
    message = msgspec.json.decode(text, type=union)
    assert tag(type(message)) == heading


def test_every_message_has_an_example() -> None:
    shown = {(section in SECTIONS, heading) for section, heading, _ in examples()}
    wanted = {(True, tag(member)) for member in get_args(messages.AnyClientMessage)}
    wanted |= {(False, tag(member)) for member in get_args(messages.AnyServerMessage)}
    assert shown == wanted


def test_every_field_a_browser_may_send_is_shown() -> None:
    for member in get_args(messages.AnyClientMessage):
        texts = " ".join(text for _, heading, text in examples() if heading == tag(member))
        missing = [name for name in member.__struct_fields__ if f'"{name}"' not in texts]
        assert not missing, f"{tag(member)}: {missing}"


def test_every_kind_is_listed_with_its_category_and_severity() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\w+) \| [\w ]+ \|$", DOC, re.M)
    assert rows == [(kind.value, category_of(kind).value, default_severity(kind).value) for kind in Kind]


@pytest.mark.parametrize("words", [SignalKind, Blindness])
def test_every_signal_and_blindness_is_listed(words: type[SignalKind | Blindness]) -> None:
    assert not [word.value for word in words if f"`{word.value}`" not in DOC]


def test_what_students_hear_of_is_listed() -> None:
    for event in TOLD_TO_STUDENTS:
        row = next(line for line in DOC.splitlines() if line.startswith("|") and f"`{event}`" in line)
        assert not row.endswith("| no |")
    for action in SAID_TO_STUDENTS:
        assert f".{action}`" in DOC
