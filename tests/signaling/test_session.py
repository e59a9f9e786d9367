"""The conversation's rules, on a virtual clock."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.messages import (
    PROTOCOL,
    AnyClientMessage,
    Attach,
    Complete,
    Pong,
    ProblemMessage,
    ProctorMessage,
    Start,
    StudentMessage,
)
from signaling.session import Answer, Greeted, Limits, Outcome, Received, Refused, Session, Side

HELLO = f'{{"type":"hello","protocol":{PROTOCOL}}}'


def opened(side: Side = "student", limits: Limits | None = None) -> Session:
    session = Session(side, 0.0, limits)
    assert session.receive(HELLO, 0.0) == Greeted(None)
    return session


def refused(outcome: Outcome, id: str, re: int = 0) -> bool:
    return (
        isinstance(outcome, Answer)
        and isinstance(outcome.message, ProblemMessage)
        and (outcome.message.problem, outcome.message.re) == (id, re)
    )


def test_hello_comes_first() -> None:
    session = Session("student", 0.0)
    assert refused(session.receive('{"type":"start","id":7}', 0.0), "out-of-order", 7)
    assert not session.open
    assert session.receive(HELLO, 0.0) == Greeted(None)
    assert session.receive('{"type":"start","id":7}', 0.0) == Received(Start(id=7))


def test_hello_comes_once() -> None:
    assert refused(opened().receive(HELLO, 0.0), "out-of-order")


def test_hello_resumes_where_it_says() -> None:
    session = Session("proctor", 0.0)
    assert session.receive('{"type":"hello","protocol":1,"resume":41}', 0.0) == Greeted(41)


def test_another_protocol_is_told_and_ended() -> None:
    session = Session("student", 0.0)
    outcome = session.receive('{"type":"hello","protocol":99}', 0.0)
    assert isinstance(outcome, Refused)
    assert outcome.problem.problem == "unknown-protocol"
    assert outcome.bye.reconnect is False
    assert refused(session.receive(HELLO, 0.0), "out-of-order"), "nothing opens it again"


def test_a_ping_is_answered_with_the_time_of_the_server() -> None:
    assert opened().receive('{"type":"ping","t":3.5}', 1.0, wall=1000.0) == Answer(Pong(t=3.5, now=1000.0))


@pytest.mark.parametrize(
    ("data", "re"),
    [
        ("", 0),
        ("nonsense", 0),
        ("[1,2]", 0),
        ("null", 0),
        ('{"id":3}', 3),
        ('{"type":"start"}', 0),
        ('{"type":"start","id":"3"}', 0),
        ('{"type":"start","id":0}', 0),
        ('{"type":"start","id":4294967296}', 0),
        ('{"type":"start","id":3,"sudo":true}', 3),
        ('{"type":"no_such_thing","id":3}', 3),
        ('{"type":"signal","id":3,"kind":"levitation"}', 3),
        ('{"type":"acknowledge","id":3,"intervention":"../etc"}', 3),
        (b"\xff\xfe\x00", 0),
        ("\ud800", 0),
        ("[" * 5000, 0),
    ],
)
def test_what_cannot_be_read_gets_a_problem(data: str | bytes, re: int) -> None:
    session = opened()
    assert refused(session.receive(data, 0.0), "bad-message", re)
    assert session.receive('{"type":"complete","id":9}', 0.0) == Received(Complete(id=9))


def test_what_is_too_large_gets_a_problem() -> None:
    session = opened(limits=Limits(max_bytes=100))
    data = '{"type":"say","id":3,"text":"' + "x" * 100 + '"}'
    assert refused(session.receive(data, 0.0), "too-large")
    assert refused(session.receive(data.encode(), 0.0), "too-large")


def tags(union: object) -> dict[str, type[msgspec.Struct]]:
    members: tuple[type[msgspec.Struct], ...] = union.__args__  # type: ignore[attr-defined]
    return {str(member.__struct_config__.tag): member for member in members}


@pytest.mark.parametrize("tag", sorted(tags(AnyClientMessage).keys() - tags(StudentMessage).keys()))
def test_a_student_may_not_send_what_is_a_proctors(tag: str) -> None:
    assert refused(opened("student").receive(f'{{"type":"{tag}","id":5}}', 0.0), "forbidden", 5)


@pytest.mark.parametrize("tag", sorted(tags(AnyClientMessage).keys() - tags(ProctorMessage).keys()))
def test_a_proctor_may_not_send_what_is_a_students(tag: str) -> None:
    assert refused(opened("proctor").receive(f'{{"type":"{tag}","id":5}}', 0.0), "forbidden", 5)


def test_a_proctor_may_attach() -> None:
    data = '{"type":"attach","id":2,"watcher":"w","mid":"0","attempt":"a","track":"low"}'
    expected = Attach(id=2, watcher="w", mid="0", attempt="a", track="low")
    assert opened("proctor").receive(data, 0.0) == Received(expected)


def test_too_many_messages_are_refused_until_time_has_passed() -> None:
    session = opened(limits=Limits(per_second=10, burst=5))
    start = '{"type":"start","id":1}'
    outcomes = [session.receive(start, 0.0) for _ in range(6)]
    assert sum(isinstance(outcome, Received) for outcome in outcomes) == 4  # hello was the fifth
    assert refused(outcomes[-1], "too-many-messages")
    assert isinstance(session.receive(start, 0.2), Received)


def test_a_flood_ends_the_socket() -> None:
    session = opened(limits=Limits(per_second=0, burst=1, refusals=10))
    outcomes = [session.receive("x", 0.0) for _ in range(10)]
    assert isinstance(outcomes[-1], Refused)
    assert outcomes[-1].bye.reason == "too-many-messages"
    assert not session.open


def test_silence_has_a_deadline_that_any_message_moves() -> None:
    session = Session("student", 100.0, Limits(silence_s=15))
    assert session.deadline() == 115.0
    session.receive(HELLO, 110.0)
    assert session.deadline() == 125.0
    session.receive("rubbish is life too", 112.0)
    assert session.deadline() == 127.0


@given(st.lists(st.one_of(st.binary(max_size=200), st.text(max_size=200)), max_size=20))
def test_no_bytes_crash_it_or_open_it(messages: list[bytes | str]) -> None:
    session = Session("student", 0.0)
    for data in messages:
        outcome = session.receive(data, 0.0)
        assert isinstance(outcome, Answer)
        assert isinstance(outcome.message, ProblemMessage)
    assert not session.open
    assert session.receive(HELLO, 100.0) == Greeted(None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@given(st.sampled_from(sorted(tags(AnyClientMessage))), st.dictionaries(st.text(max_size=10), json_values))
def test_any_json_of_any_type_is_read_or_refused(tag: str, fields: dict[str, object]) -> None:
    session = opened("proctor")
    outcome = session.receive(msgspec.json.encode({**fields, "type": tag}), 0.0)
    assert isinstance(outcome, (Answer, Received, Refused))
    if isinstance(outcome, Received):
        assert isinstance(outcome.message, ProctorMessage)
