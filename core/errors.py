"""Errors that people may see. Each has a stable id (for machines) and a sentence (for people)."""

from __future__ import annotations

from typing import ClassVar


class ProctorError(Exception):
    """Base. `id` never changes once released; `status` is the HTTP status it maps to."""

    id: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    sentence: ClassVar[str] = "Something went wrong on the server. Please try again."

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.describe())

    def describe(self) -> str:
        return self.sentence.format(**self.facts)


class IllegalTransition(ProctorError):
    id = "illegal-transition"
    status = 409
    sentence = "An attempt that is {status} cannot be changed with {action}."


class NotFound(ProctorError):
    id = "not-found"
    status = 404
    sentence = "There is no such {what}, or you may not see it."


class Forbidden(ProctorError):
    id = "forbidden"
    status = 403
    sentence = "You may not do that here."


class Unauthenticated(ProctorError):
    id = "unauthenticated"
    status = 401
    sentence = "Please log in first."


class BadMessage(ProctorError):
    id = "bad-message"
    status = 400
    sentence = "The server did not understand this message: {detail}"


class TooLarge(ProctorError):
    id = "too-large"
    status = 413
    sentence = "The message is larger than {limit} bytes."


class OutOfOrder(ProctorError):
    id = "out-of-order"
    status = 409
    sentence = "{what} is not possible at this point."


class MediaUnavailable(ProctorError):
    id = "media-unavailable"
    status = 503
    sentence = "The media server is restarting. The page tries again by itself."


class EngineUnavailable(ProctorError):
    """An engine is named in the settings and cannot load: the start stops with this sentence."""

    id = "engine-unavailable"
    status = 500
    sentence = "The settings ask for {setting} = {engine}, which cannot be loaded: {reason}"


class BadSettings(ProctorError):
    id = "bad-settings"
    status = 500
    sentence = "{detail}"


class Conflict(ProctorError):
    id = "conflict"
    status = 409
    sentence = "Somebody else changed {what} in the meantime. Please reload and try again."


class AlreadyExists(ProctorError):
    id = "already-exists"
    status = 409
    sentence = "There is already {what}."
