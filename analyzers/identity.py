"""Whether the person before the camera is the one who enrolled."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np

from analyzers.engines.base import Face, IdentityEngine
from analyzers.enrolment import Embedding, Enrolment
from analyzers.pose import in_profile
from analyzers.watch import FaceWatch, box_of
from core.findings import Blindness, Measurability, Observation
from core.kinds import Kind
from core.samples import VideoSample


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    rate_hz: float = 0.05
    """A look every 20 s; more often where `wants` says so."""
    again: float = 1.5
    """Seconds until the next look at a face that is new or did not match."""
    again_at_most: float = 8.0
    """A face that goes on not to match is looked at less and less, down to every so many seconds: it is
    said already, and an embedding is the dearest look there is. Another face is another track."""
    matches: int = 2
    """So many matching looks running make a new face the known one."""
    watched: float = 1.0
    """Seconds within which another detector's look at the faces is as good as one of our own."""
    blind_again: float = 3.0
    """Seconds until the next try where a new face could not be measured."""
    spread: float = 0.2
    """The score is 0 so far below the engine's limit and 1 so far above it (in its distance)."""
    average: int = 3
    """Embeddings of one track that are averaged: one bad frame does not make a stranger."""
    smallest: float = 56.0
    """px: least width of a face."""
    mesh: float = 0.7
    """Least landmark score."""
    widest_yaw: float = 32.0
    """Degrees: a head turned further is not compared."""
    loosened: float = 0.0
    """Added to the limit (accommodations)."""


class IdentityDetector:
    """Score: 0.5 + (distance − limit) / (2 · spread), clipped; so 0.5 stands at the engine's limit.

    With dlib: limit 0.6; the same person measured up to .45 (score .13), others from .67 (score .68).
    """

    name: ClassVar[str] = "identity"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.IDENTITY_MISMATCH})

    def __init__(
        self,
        watch: FaceWatch,
        engine: IdentityEngine,
        enrolment: Enrolment | None,
        settings: IdentitySettings | None = None,
    ) -> None:
        self._watch = watch
        self._engine = engine
        self._enrolled = _comparable(enrolment, engine)
        self._settings = settings or IdentitySettings()
        self.reset()

    def reset(self) -> None:
        self._track = 0
        self._recent: deque[Embedding] = deque(maxlen=self._settings.average)
        self._looked_at = -inf
        self._matches = 0
        self._mismatches = 0
        self._measured = False

    def wants(self, sample: VideoSample) -> bool:
        """Whether to look now, whatever the rate says: the face is not yet known to match."""
        if not self._enrolled:
            return False
        watched = sample.at - self._watch.looked_at <= self._settings.watched
        if watched and self._is_known():
            return False  # Another detector follows the face: no look of our own to see the track break.
        main = self._watch.look(sample).main
        unseen = self._watch.track_id != self._track
        if main is None or self._is_known():
            return False
        return unseen or sample.at - self._looked_at >= self._wait()

    def _is_known(self) -> bool:
        """The face of this very track has matched."""
        return self._watch.track_id == self._track and self._matches >= self._settings.matches

    def _wait(self) -> float:
        settings = self._settings
        if not self._measured:
            return settings.blind_again
        return min(
            settings.again * 2.0 ** max(0, self._mismatches - settings.average), settings.again_at_most
        )

    def observe(self, sample: VideoSample) -> Sequence[Observation]:
        self._looked_at = sample.at
        face, blind = self._usable_face(sample)
        self._measured = face is not None
        if face is None:
            return [Observation(sample.at, self.name, Kind.IDENTITY_MISMATCH, 0.0, Measurability(blind))]
        self._recent.append(self._engine.embed(sample.image, face))
        distance = self._distance()
        limit = self._engine.limit + self._settings.loosened
        score = float(np.clip(0.5 + (distance - limit) / (2 * self._settings.spread), 0, 1))
        self._matches = self._matches + 1 if score < 0.5 else 0
        self._mismatches = self._mismatches + 1 if score >= 0.5 else 0
        label = "enrolled" if score < 0.5 else "someone else"
        box = box_of(face.box, sample.width, sample.height, label, face.score)
        facts = {"distance": round(distance, 3), "limit": limit}
        return [
            Observation(
                sample.at, self.name, Kind.IDENTITY_MISMATCH, score, boxes=(box,), attributes=facts
            )
        ]  # fmt: skip

    def _distance(self) -> float:
        """From the mean of this track's latest embeddings to the nearest enrolled one."""
        mean = np.mean(np.stack(self._recent), axis=0)
        return min(self._engine.distance(mean, enrolled) for enrolled in self._enrolled)

    def _usable_face(self, sample: VideoSample) -> tuple[Face | None, Blindness | None]:
        """The face to compare, or why there is none."""
        if not self._enrolled:
            return None, Blindness.NOT_ENROLLED
        look = self._watch.search(sample)
        if self._watch.track_id != self._track:
            self._track = self._watch.track_id
            self._recent.clear()
            self._matches = self._mismatches = 0
        if look.main is None:
            return None, Blindness.NO_FACE
        if len(look.faces) > 1:
            return None, Blindness.SEVERAL_FACES
        blind = self._poor(sample, look.main)
        return (None, blind) if blind else (look.main, None)

    def _poor(self, sample: VideoSample, face: Face) -> Blindness | None:
        settings = self._settings
        if face.box.width < settings.smallest:
            return Blindness.FACE_TOO_SMALL
        if dark := self._watch.light(sample).blindness:
            return dark
        mesh, pose = self._watch.mesh(sample), self._watch.pose(sample)
        if in_profile(face) or (pose and abs(pose.yaw) > settings.widest_yaw):
            return Blindness.FACE_TURNED
        if mesh is None or pose is None or mesh.score < settings.mesh:
            return Blindness.FACE_OCCLUDED
        return None


def _comparable(enrolment: Enrolment | None, engine: IdentityEngine) -> tuple[Embedding, ...]:
    """Embeddings of another engine cannot be compared: as good as none."""
    if enrolment is None or enrolment.engine != engine.name:
        return ()
    return enrolment.embeddings
