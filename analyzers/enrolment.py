"""What is kept of a student to recognise the person by: made once, compared ever after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from analyzers.engines.base import Face, FaceEngine, IdentityEngine, Image, LandmarkEngine
from analyzers.engines.boxes import crop_around
from analyzers.picture import graded, light, thumbnail
from analyzers.pose import Neutral, in_profile
from core.errors import ProctorError

Embedding = NDArray[np.float32]


class EnrolmentRefused(ProctorError):
    """A picture that cannot be used to recognise somebody by; the sentence says what to change."""

    id: ClassVar[str] = "enrolment-refused"
    status: ClassVar[int] = 422
    sentence: ClassVar[str] = "This picture cannot be used: {reason}"


@dataclass(frozen=True, slots=True, eq=False)
class Enrolment:
    """Biometric data: keep it only as long as the law and the exam's settings allow."""

    embeddings: tuple[Embedding, ...] = ()
    """Of the face, from one or more pictures, by one engine."""
    engine: str = "dlib"
    """The identity engine that made them; another one cannot compare them."""
    quality: float = 0.0
    """0–1, of the weakest picture."""
    neutral: Neutral | None = None
    """Straight ahead, where it was calibrated explicitly."""
    voice: Embedding | None = None
    """The student's own voice (256 numbers of length 1), where one was recorded."""

    @property
    def embedding(self) -> Embedding:
        """The first face embedding."""
        return self.embeddings[0]

    def joined(self, other: Enrolment) -> Enrolment:
        """Both pictures' embeddings; of one engine only."""
        if self.embeddings and other.embeddings and self.engine != other.engine:
            raise ValueError(f"cannot join embeddings of {self.engine} and {other.engine}")
        return Enrolment(
            self.embeddings + other.embeddings,
            self.engine if self.embeddings else other.engine,
            min(self.quality, other.quality),
            self.neutral or other.neutral,
            self.voice if self.voice is not None else other.voice,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` is its inverse."""
        neutral = self.neutral
        return {
            "engine": self.engine,
            "quality": self.quality,
            "embeddings": [embedding.tolist() for embedding in self.embeddings],
            "neutral": [neutral.yaw, neutral.pitch, neutral.eye_x, neutral.eye_y] if neutral else None,
            "voice": None if self.voice is None else self.voice.tolist(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Enrolment:
        voice, neutral = value.get("voice"), value.get("neutral")
        return cls(
            tuple(np.array(embedding, np.float32) for embedding in value["embeddings"]),
            value["engine"],
            float(value["quality"]),
            Neutral(*neutral) if neutral else None,
            None if voice is None else np.array(voice, np.float32),
        )


@dataclass(frozen=True, slots=True)
class EnrolmentSettings:
    smallest: float = 80.0
    """px: the least width of the face; twice as wide is as good as it gets."""
    mesh: float = 0.8
    """Least landmark score."""
    sharp: float = 15.0
    """Least variance of the Laplacian over the face at 128×128; four times as much is good."""
    another_face: float = 0.5
    """Score from which a second face spoils the picture."""


class Enroller:
    """Makes an enrolment from a picture; stateless, shared."""

    def __init__(
        self,
        faces: FaceEngine,
        landmarks: LandmarkEngine,
        identity: IdentityEngine,
        settings: EnrolmentSettings | None = None,
    ) -> None:
        self._faces = faces
        self._landmarks = landmarks
        self._identity = identity
        self._settings = settings or EnrolmentSettings()

    def embed(self, image: Image) -> Enrolment:
        """The face in a picture (height × width × 3 BGR). Raises EnrolmentRefused."""
        face = self._one_face(image)
        quality = self._quality(image, face)
        return Enrolment((self._identity.embed(image, face),), self._identity.name, quality)

    def _one_face(self, image: Image) -> Face:
        if light(thumbnail(image)).blindness:
            raise EnrolmentRefused(reason="it is too dark or shows nothing.")
        faces = self._faces.find(image, self._settings.another_face)
        if not faces:
            raise EnrolmentRefused(reason="there is no face in it.")
        if len(faces) > 1:
            raise EnrolmentRefused(reason=f"there are {len(faces)} faces in it; only yours may be seen.")
        return faces[0]

    def _quality(self, image: Image, face: Face) -> float:
        settings = self._settings
        if face.box.width < settings.smallest:
            raise EnrolmentRefused(reason="the face is too small; come closer to the camera.")
        mesh = self._landmarks.locate(image, face)
        if mesh.score < settings.mesh or in_profile(face):
            raise EnrolmentRefused(reason="the face is turned away or hidden; look at the camera.")
        sharp = sharpness(image, face)
        if sharp < settings.sharp:
            raise EnrolmentRefused(reason="it is blurred; hold still, or clean the camera.")
        width = graded(face.box.width, none=0.0, limit=settings.smallest)
        return round(min(width, graded(sharp, none=0.0, limit=2 * settings.sharp)), 3)


def sharpness(image: Image, face: Face) -> float:
    """Variance of the Laplacian over the face, scaled to 128×128."""
    crop, _, _ = crop_around(image, face.box, 1.0)
    gray = cv2.cvtColor(cv2.resize(crop, (128, 128), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(gray, cv2.CV_64F).var())
