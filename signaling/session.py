"""One socket's conversation as a state machine without I/O: bytes and the time in, outcomes out.

It decides what a message is worth before anybody acts on it: hello first and once, the right
protocol, a readable message of a sensible size, of a type this side may send, not too many of them.
Whatever fails here gets a problem with a stable id and has changed nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal, get_args

import msgspec

from core.errors import BadMessage, Forbidden, OutOfOrder, ProctorError, TooLarge
from signaling.messages import (
    MAX_MESSAGE_BYTES,
    PROTOCOL,
    AnyClientMessage,
    Bye,
    Hello,
    Ping,
    Pong,
    ProblemMessage,
    ProctorMessage,
    ServerMessage,
    StudentMessage,
)

Side = Literal["student", "proctor"]


class TooManyMessages(ProctorError):
    id = "too-many-messages"
    status = 429
    sentence = "Too many messages in a short time. Please slow down."


class UnknownProtocol(ProctorError):
    id = "unknown-protocol"
    status = 400
    sentence = "This page speaks protocol {theirs}, the server speaks {ours}. Please reload the page."


@dataclass(frozen=True, slots=True)
class Limits:
    """What one socket may cost."""

    max_bytes: int = MAX_MESSAGE_BYTES
    per_second: float = 40.0
    burst: float = 200.0
    refusals: int = 400
    """Messages refused in a row for their number, after which the socket ends."""
    silence_s: float = 15.0
    """Nothing heard for so long ends the socket; browsers ping every 5 s."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """Hello was accepted: welcome them, and tell what came after `resume`."""

    resume: int | None


@dataclass(frozen=True, slots=True)
class Received:
    """A message to act on."""

    message: AnyClientMessage


@dataclass(frozen=True, slots=True)
class Answer:
    """Send this; nothing else is to be done."""

    message: ServerMessage


@dataclass(frozen=True, slots=True)
class Refused:
    """Send the problem and the good-bye, and close."""

    problem: ProblemMessage
    bye: Bye


Outcome = Greeted | Received | Answer | Refused


class _State(Enum):
    GREETING = "greeting"
    OPEN = "open"
    CLOSED = "closed"


class _Peek(msgspec.Struct):
    """What is read of a message before anything else is believed of it."""

    type: str = ""
    id: int = 0


def _tags(union: object) -> frozenset[str]:
    return frozenset(str(member.__struct_config__.tag) for member in get_args(union))


_TAGS: dict[Side, frozenset[str]] = {"student": _tags(StudentMessage), "proctor": _tags(ProctorMessage)}
_ALL_TAGS = _tags(AnyClientMessage)
_peek = msgspec.json.Decoder(_Peek)
_decoders: dict[Side, msgspec.json.Decoder[AnyClientMessage]] = {
    "student": msgspec.json.Decoder(StudentMessage),
    "proctor": msgspec.json.Decoder(ProctorMessage),
}


def problem(error: ProctorError, re: int = 0) -> ProblemMessage:
    return ProblemMessage(re=re, problem=error.id, title=str(error))


class Session:
    """One side's conversation. `now` is any clock that grows, in seconds; pongs carry `wall`."""

    def __init__(self, side: Side, now: float, limits: Limits | None = None) -> None:
        self._side = side
        self._limits = limits or Limits()
        self._state = _State.GREETING
        self._heard_at = now
        self._tokens = self._limits.burst
        self._counted_at = now
        self._refusals = 0

    @property
    def open(self) -> bool:
        return self._state is _State.OPEN

    def deadline(self) -> float:
        """When the socket ends if nothing is heard until then."""
        return self._heard_at + self._limits.silence_s

    def receive(self, data: str | bytes, now: float, wall: float = 0.0) -> Outcome:
        """Take one message. Never raises for what is in `data`."""
        self._heard_at = max(now, self._heard_at)
        if self._state is _State.CLOSED:
            return Answer(problem(OutOfOrder(what="A message after the end")))
        if not self._spend(now):
            return self._flooded()
        self._refusals = 0
        request = 0
        try:
            peek = self._read(data)
            request = peek.id if 1 <= peek.id <= 2**31 else 0
            return self._take(self._decode(data, peek), wall)
        except ProctorError as error:
            return Answer(problem(error, request))

    def _spend(self, now: float) -> bool:
        limits = self._limits
        earned = max(0.0, now - self._counted_at) * limits.per_second
        self._tokens = min(limits.burst, self._tokens + earned)
        self._counted_at = max(now, self._counted_at)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def _flooded(self) -> Outcome:
        self._refusals += 1
        said = problem(TooManyMessages())
        if self._refusals < self._limits.refusals:
            return Answer(said)
        return self._refuse(said, Bye(reason="too-many-messages"))

    def _read(self, data: str | bytes) -> _Peek:
        size = len(data) if isinstance(data, bytes) else len(data.encode("utf-8", "surrogatepass"))
        if size > self._limits.max_bytes:
            raise TooLarge(limit=self._limits.max_bytes)
        try:
            return _peek.decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise BadMessage(detail=_plain(error)) from None

    def _decode(self, data: str | bytes, peek: _Peek) -> AnyClientMessage:
        if peek.type in _ALL_TAGS and peek.type not in _TAGS[self._side]:
            raise Forbidden()
        try:
            return _decoders[self._side].decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise BadMessage(detail=_plain(error)) from None

    def _take(self, message: AnyClientMessage, wall: float) -> Outcome:
        if isinstance(message, Hello):
            return self._greet(message)
        if isinstance(message, Ping):
            return Answer(Pong(t=message.t, now=wall))
        if self._state is _State.GREETING:
            raise OutOfOrder(what="Anything before hello")
        return Received(message)

    def _greet(self, hello: Hello) -> Outcome:
        if self._state is _State.OPEN:
            raise OutOfOrder(what="A second hello")
        if hello.protocol != PROTOCOL:
            mismatch = UnknownProtocol(theirs=hello.protocol, ours=PROTOCOL)
            return self._refuse(problem(mismatch), Bye(reason="unknown-protocol"))
        self._state = _State.OPEN
        return Greeted(hello.resume)

    def _refuse(self, said: ProblemMessage, bye: Bye) -> Refused:
        self._state = _State.CLOSED
        return Refused(said, bye)


def _plain(error: Exception) -> str:
    """One line of bounded length; what was sent is never echoed whole."""
    return " ".join(str(error).split())[:200] or type(error).__name__
