"""The people in front of simulated cameras: stills cut out from their background, and one film.

A still becomes a person who can move, leave and come back: the person's outline is found once
(GrabCut between two hand-drawn polygons), and the background behind is filled in from around it.
All coordinates are pixels of a 640x480 picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from simulation.media import ensure

WIDTH, HEIGHT = 640, 480
Image = NDArray[np.uint8]
Points = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """Where in a picture of media.toml the person sits."""

    crop: tuple[int, int, int, int]
    """x, y, width, height in the picture; 4:3."""
    face: tuple[int, int, int, int]
    """left, top, right, bottom of the face, forehead to chin."""
    inside: Points
    """A polygon that holds nothing but the person."""
    outside: Points
    """A polygon that holds all of the person."""


OUTLINES: dict[str, Outline] = {
    "portrait-1": Outline(
        crop=(0, 20, 500, 375),
        face=(200, 130, 420, 445),
        inside=((235, 130), (300, 100), (370, 120), (410, 200), (415, 320), (450, 420), (470, 480),
                (210, 480), (215, 420), (205, 300), (205, 200)),
        outside=((130, 480), (140, 380), (170, 220), (190, 100), (240, 40), (400, 30), (470, 120),
                 (520, 260), (580, 400), (600, 480)),
    ),
    "portrait-2": Outline(
        crop=(0, 30, 500, 375),
        face=(200, 160, 425, 440),
        inside=((210, 190), (200, 120), (230, 60), (300, 40), (400, 50), (440, 110), (460, 190), (420, 230),
                (410, 340), (440, 420), (540, 440), (560, 480), (110, 480), (170, 440), (215, 400),
                (215, 320), (185, 260)),
        outside=((50, 480), (130, 415), (190, 395), (190, 300), (160, 260), (160, 190), (180, 90), (240, 20),
                 (400, 20), (465, 90), (490, 180), (470, 230), (430, 380), (480, 395), (560, 430),
                 (610, 480)),
    ),
    "portrait-3": Outline(
        crop=(0, 50, 500, 375),
        face=(290, 20, 460, 205),
        inside=((300, 40), (400, 10), (470, 40), (480, 150), (470, 230), (560, 300), (639, 400), (639, 480),
                (150, 470), (90, 440), (100, 370), (140, 350), (200, 400), (230, 380), (300, 300),
                (340, 260), (350, 200), (310, 150)),
        outside=((70, 480), (70, 340), (140, 335), (215, 370), (240, 330), (330, 250), (300, 190), (270, 60),
                 (260, 0), (520, 0), (520, 180), (500, 220), (600, 270), (640, 350), (640, 480)),
    ),
    "obama": Outline(
        crop=(85, 0, 787, 590),
        face=(222, 65, 435, 370),
        inside=((240, 90), (280, 40), (340, 30), (400, 60), (420, 110), (420, 180), (440, 190), (420, 230),
                (390, 310), (420, 360), (520, 390), (590, 440), (600, 480), (80, 480), (100, 430),
                (240, 350), (260, 320), (235, 240), (215, 180), (235, 170)),
        outside=((50, 480), (70, 420), (180, 370), (250, 340), (240, 260), (205, 240), (200, 150), (220, 60),
                 (280, 15), (370, 15), (430, 60), (460, 150), (455, 240), (425, 250), (405, 300),
                 (450, 340), (560, 370), (620, 430), (630, 480)),
    ),
    "biden": Outline(
        crop=(40, 40, 900, 675),
        face=(265, 85, 480, 375),
        inside=((270, 130), (290, 80), (350, 60), (430, 70), (480, 110), (500, 180), (480, 250), (450, 330),
                (430, 375), (470, 415), (560, 465), (580, 480), (20, 480), (40, 420), (250, 360),
                (290, 320), (280, 280), (260, 220)),
        outside=((0, 480), (0, 410), (100, 380), (240, 345), (265, 310), (240, 270), (235, 190), (240, 110),
                 (290, 40), (400, 25), (490, 60), (520, 150), (510, 260), (480, 310), (445, 370),
                 (470, 395), (540, 425), (610, 465), (630, 480)),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """A person cut out, and the empty room."""

    name: str
    still: Image
    """The picture as it is."""
    cutout: Image
    """BGR, multiplied by alpha."""
    alpha: Image
    """height × width, 0–255."""
    room: Image
    face: tuple[int, int, int, int]


def picture(name: str) -> Image:
    """A still of media.toml, cropped for the camera. Raises MissingMedia."""
    image = cv2.imread(str(ensure(name)), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{name} is not a picture")
    left, top, width, height = OUTLINES[name].crop
    cropped = image[top : top + height, left : left + width]
    return np.asarray(cv2.resize(cropped, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


@cache
def person(name: str) -> Person:
    """Raises MissingMedia."""
    still = picture(name)
    outline = OUTLINES[name]
    mask = _silhouette(still, outline)
    soft = cv2.GaussianBlur(cv2.erode(mask, np.ones((3, 3), np.uint8)), (0, 0), 2.0)
    cutout = cv2.multiply(still, cv2.merge([soft, soft, soft]), scale=1 / 255)
    return Person(
        name=name, still=still, face=outline.face,
        cutout=np.asarray(cutout, np.uint8), alpha=np.asarray(soft, np.uint8), room=_empty_room(still, mask),
    )  # fmt: skip


def _silhouette(still: Image, outline: Outline) -> Image:
    """255 where the person is."""
    half = cv2.resize(still, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    labels = np.full(half.shape[:2], cv2.GC_BGD, np.uint8)
    _fill(labels, outline.outside, cv2.GC_PR_FGD)
    _fill(labels, outline.inside, cv2.GC_FGD)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(1)
    cv2.grabCut(half, labels, None, background, foreground, 4, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    mask = np.where((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)
    mask = np.asarray(cv2.medianBlur(mask, 7), np.uint8)
    grown = cv2.resize(mask, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.where(np.asarray(grown) > 127, 255, 0).astype(np.uint8)


def _fill(labels: Image, polygon: Points, value: int) -> None:
    cv2.fillPoly(labels, [np.array(polygon, np.int32) // 2], value)


def _empty_room(still: Image, mask: Image) -> Image:
    """The background without the person: filled from around, coarse first, and out of focus as
    meeting software shows it."""
    hidden = cv2.dilate(mask, np.ones((25, 25), np.uint8)) > 0
    known = (~hidden).astype(np.float32)
    colours = still.astype(np.float32) * known[..., None]
    filled: NDArray[np.floating] = np.full(still.shape, still[~hidden].mean(axis=0))
    for sigma in (160, 80, 40, 20, 10):
        weight = cv2.GaussianBlur(known, (0, 0), sigma)[..., None]
        near = cv2.GaussianBlur(colours, (0, 0), sigma) / np.maximum(weight, 1e-6)
        trust = np.clip(weight * 8, 0, 1)
        filled = filled * (1 - trust) + near * trust
    edge = cv2.GaussianBlur(known, (0, 0), 6)[..., None]
    blended = still * edge + filled * (1 - edge)
    return np.asarray(cv2.GaussianBlur(blended, (0, 0), 7.0).clip(0, 255), np.uint8)


@cache
def film(name: str) -> Sequence[Image]:
    """Every second frame of a film of media.toml, 640x480: at 15 a second its own speed."""
    with av.open(str(ensure(name))) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    return [
        np.asarray(cv2.resize(frame, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)
        for frame in frames[::2]
    ]
