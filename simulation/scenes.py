"""What happens in front of a simulated camera, and the truth about it.

A scene is a pure function of time: `frame(t)` is the picture at `t` seconds. Swaying repeats every
`BEAT` seconds, so that a clip whose length is a multiple of it loops without a jump.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from core.findings import Box
from core.kinds import Kind
from simulation.people import HEIGHT, WIDTH, Image, Person

FPS = 15
BEAT = 8.0
"""Everything that moves without end moves with this period."""
SECONDS = 32.0
BEGINS, ENDS = 9.0, 21.0
"""When what the clip is about starts to happen, and starts to be undone."""
MOVE = 1.5
"""Seconds to sit down, to get up, to lean back."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Span:
    """The truth: between `start` and `end` (seconds of the clip) this can be seen or heard."""

    kind: Kind
    start: float
    end: float
    box: Box | None = None
    """Where it is to be seen, in fractions of the picture; None where that makes no sense."""


class Scene(Protocol):
    @property
    def spans(self) -> tuple[Span, ...]: ...

    def frame(self, t: float) -> Image:
        """480 × 640 × 3, BGR; the caller may write into it."""


def away(t: float, leaves: float, returns: float) -> float:
    """0 before `leaves`, 1 between, 0 again after `returns`; smooth for `MOVE` seconds each way."""
    return _smooth((t - leaves) / MOVE) - _smooth((t - returns) / MOVE)


def _smooth(x: float) -> float:
    x = min(1.0, max(0.0, x))
    return x * x * (3 - 2 * x)


def _sway(t: float, phase: float, *, dx: float = 0.0, dy: float = 0.0, scale: float = 1.0) -> Matrix:
    """Someone who sits and breathes: a few pixels, half a degree, about the middle of the lower edge."""
    w = 2 * math.pi / BEAT
    angle = 0.7 * math.sin(w * t + phase) + 0.3 * math.sin(3 * w * t + 2 * phase)
    size = scale * (1 + 0.006 * math.sin(2 * w * t + phase))
    matrix = np.asarray(cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT * 1.1), angle, size), np.float64)
    matrix[0, 2] += dx + 5 * math.sin(w * t + 3 * phase) + 2 * math.sin(4 * w * t)
    matrix[1, 2] += dy + 2.5 * math.sin(2 * w * t + phase) + 2
    return matrix


def _stand_in(picture: Image, who: Person, matrix: Matrix) -> Image:
    """The person over the picture."""
    body = cv2.warpAffine(who.cutout, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    alpha = cv2.warpAffine(who.alpha, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    clear = cv2.bitwise_not(alpha)
    behind = cv2.multiply(picture, cv2.merge([clear, clear, clear]), scale=1 / 255)
    return np.asarray(cv2.add(behind, body), np.uint8)


def _face_in_view(who: Person, matrix: Matrix) -> bool:
    """More than half of the face lies in the picture."""
    left, top, right, bottom = who.face
    x, y = matrix @ np.array([(left + right) / 2, (top + bottom) / 2, 1.0])
    return bool(0 < x < WIDTH and 0 < y < HEIGHT)


def _when(true_at: list[bool]) -> tuple[float, float]:
    """Start and end of the one run of True in a list of frames."""
    first = true_at.index(True)
    return first / FPS, (len(true_at) - true_at[::-1].index(True)) / FPS


def _frames(seconds: float = SECONDS) -> list[float]:
    return [n / FPS for n in range(round(seconds * FPS))]


@dataclass(frozen=True)
class Alone:
    """One person who stays; with `leaves`, one who is away for a while."""

    who: Person
    leaves: bool = False

    def _place(self, t: float) -> Matrix:
        gone = away(t, BEGINS, ENDS) if self.leaves else 0.0
        return _sway(t, 0.4, dx=gone * (WIDTH + 80), dy=30 * gone)

    @property
    def spans(self) -> tuple[Span, ...]:
        if not self.leaves:
            return ()
        return (Span(Kind.NO_FACE, *_when([not _face_in_view(self.who, self._place(t)) for t in _frames()])),)

    def frame(self, t: float) -> Image:
        return _stand_in(self.who.room, self.who, self._place(t))


@dataclass(frozen=True)
class Visited:
    """A second person comes in behind the first, and leaves again."""

    who: Person
    visitor: Person

    def _place_visitor(self, t: float) -> Matrix:
        left, _, right, _ = self.visitor.face
        scale = 0.75
        there = away(t, BEGINS, ENDS)
        beside = WIDTH - 85 - WIDTH / 2 - scale * ((left + right) / 2 - WIDTH / 2)
        return _sway(t, 2.0, scale=scale, dx=beside + (1 - there) * 330, dy=-12.0)

    @property
    def spans(self) -> tuple[Span, ...]:
        start, end = _when([_face_in_view(self.visitor, self._place_visitor(t)) for t in _frames()])
        return (Span(Kind.MULTIPLE_FACES, start, end), Span(Kind.SECOND_PERSON, start, end))

    def frame(self, t: float) -> Image:
        behind = self.who.room
        if BEGINS <= t <= ENDS + MOVE:
            behind = _stand_in(behind, self.visitor, self._place_visitor(t))
        return _stand_in(behind, self.who, _sway(t, 0.4))


@dataclass(frozen=True)
class Replaced:
    """Somebody else sits down in the student's place for a while."""

    who: Person
    other: Person

    def _place_who(self, t: float) -> Matrix:
        return _sway(t, 0.4, dx=away(t, BEGINS, ENDS + MOVE) * (WIDTH + 80))

    def _place_other(self, t: float) -> Matrix:
        there = away(t, BEGINS + MOVE, ENDS)
        return _sway(t, 1.7, dx=(there - 1) * (WIDTH + 80))

    @property
    def spans(self) -> tuple[Span, ...]:
        start, end = _when([_face_in_view(self.other, self._place_other(t)) for t in _frames()])
        return (Span(Kind.IDENTITY_MISMATCH, start, end),)

    def frame(self, t: float) -> Image:
        picture = self.who.room
        if t < BEGINS + MOVE or t > ENDS + MOVE:
            picture = _stand_in(picture, self.who, self._place_who(t))
        if BEGINS + MOVE <= t <= ENDS + MOVE:
            picture = _stand_in(picture, self.other, self._place_other(t))
        return picture.copy()


@dataclass(frozen=True)
class WithPhone:
    """Leans back, and the phone in the hands comes into the picture."""

    who: Person
    close: tuple[int, int, int, int] = (205, 0, 373, 280)
    """left, top, width, height of what the camera shows at first: the face, not the hands."""
    phone: tuple[int, int, int, int] = (82, 350, 206, 450)
    """left, top, right, bottom of the phone in the still."""

    def _camera(self, t: float) -> Matrix:
        back = away(t, BEGINS, ENDS)
        near, far = self.close, (0, 0, WIDTH, HEIGHT)
        left, top, width = (near[n] * (1 - back) + far[n] * back for n in range(3))
        zoom = WIDTH / width
        return np.array([[zoom, 0, -left * zoom], [0, zoom, -top * zoom]])

    def _phone_at(self, t: float) -> tuple[float, float, float, float]:
        camera = self._camera(t)
        left, top = camera @ np.array([*self.phone[:2], 1.0])
        right, bottom = camera @ np.array([*self.phone[2:], 1.0])
        return left, top, right, bottom

    def _in_view(self, t: float) -> bool:
        left, top, _, bottom = self._phone_at(t)
        return left > 0 and (top + bottom) / 2 < HEIGHT

    @property
    def spans(self) -> tuple[Span, ...]:
        left, top, right, bottom = self.phone
        box = Box(left / WIDTH, top / HEIGHT, right / WIDTH, bottom / HEIGHT, "phone")
        return (Span(Kind.PHONE, *_when([self._in_view(t) for t in _frames()]), box),)

    def frame(self, t: float) -> Image:
        scene = _stand_in(self.who.room, self.who, _sway(t, 0.4))
        return np.asarray(cv2.warpAffine(scene, self._camera(t), (WIDTH, HEIGHT)), np.uint8)


@dataclass(frozen=True)
class Filmed:
    """A film of somebody, to and fro."""

    frames: tuple[Image, ...]

    spans: tuple[Span, ...] = ()

    def frame(self, t: float) -> Image:
        there_and_back = 2 * len(self.frames)
        n = round(t * FPS) % there_and_back
        return self.frames[n if n < len(self.frames) else there_and_back - 1 - n].copy()


@dataclass(frozen=True)
class Darkened:
    """The light goes off."""

    scene: Scene

    @property
    def spans(self) -> tuple[Span, ...]:
        return (Span(Kind.DARK, BEGINS + MOVE, ENDS),)

    def frame(self, t: float) -> Image:
        light = 1 - 0.96 * away(t, BEGINS, ENDS)
        return np.asarray(cv2.convertScaleAbs(self.scene.frame(t), alpha=light), np.uint8)


@dataclass(frozen=True)
class Covered:
    """A hand over the lens: a dull, even glow."""

    scene: Scene

    @property
    def spans(self) -> tuple[Span, ...]:
        return (Span(Kind.COVERED, BEGINS + MOVE, ENDS),)

    @cached_property
    def _hand(self) -> Image:
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        glow = np.exp(-(((x - 420) / 500) ** 2 + ((y - 120) / 420) ** 2))
        return np.stack([22 + 6 * glow, 26 + 10 * glow, 48 + 30 * glow], axis=-1).astype(np.uint8)

    def frame(self, t: float) -> Image:
        over = away(t, BEGINS, ENDS)
        return np.asarray(cv2.addWeighted(self.scene.frame(t), 1 - over, self._hand, over, 0), np.uint8)


@dataclass(frozen=True)
class Frozen:
    """The camera hangs: the very same picture again and again."""

    scene: Scene

    @property
    def spans(self) -> tuple[Span, ...]:
        return (Span(Kind.FROZEN, BEGINS, ENDS),)

    def frame(self, t: float) -> Image:
        return self.scene.frame(BEGINS if BEGINS <= t < ENDS else t)


class Sensor:
    """What a camera adds: noise that never repeats in the eye's sight. Still where the camera hangs."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._hangs = [(span.start, span.end) for span in scene.spans if span.kind is Kind.FROZEN]
        random = np.random.default_rng(7)
        self._grain = [
            np.clip(random.normal(4, 2.2, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8) for _ in range(6)
        ]

    def frame(self, t: float) -> Image:
        n = round(next((start for start, end in self._hangs if start <= t < end), t) * FPS)
        lighter = cv2.add(self._scene.frame(t), self._grain[n * 7 % 6])
        return np.asarray(cv2.subtract(lighter, self._grain[(n * 7 + n // 6 + 3) % 6]), np.uint8)


def desktop(page: Image, size: tuple[int, int], pictures: int) -> Iterator[Image]:
    """Somebody scrolls a little through `page`, and back; width × height of `size`."""
    width, height = size
    tall = cv2.resize(page, (width, height * 5 // 4), interpolation=cv2.INTER_AREA)
    for n in range(pictures):
        top = round(height / 8 * (1 - math.cos(2 * math.pi * n / pictures)))
        yield np.ascontiguousarray(tall[top : top + height], np.uint8)
