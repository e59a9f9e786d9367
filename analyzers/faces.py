"""Faces: none, several, turned away, too small, hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from analyzers.engines.base import Face
from analyzers.occlusion import PartWatch
from analyzers.picture import graded
from analyzers.pose import direction_of, in_profile, profile_side
from analyzers.watch import FaceWatch, Look, box_of
from core.findings import Blindness, Box, Measurability, Observation
from core.kinds import Kind
from core.samples import VideoSample


@dataclass(frozen=True, slots=True)
class FaceSettings:
    rate_hz: float = 2.0
    second_face: float = 0.6
    """Score from which another face counts."""
    second_face_width: float = 0.04
    """Fraction of the picture's width: smaller ones are pictures on the wall."""
    turned_yaw: float = 35.0
    """Degrees left or right from straight ahead."""
    turned_pitch: float = 28.0
    """Degrees up or down."""
    small: float = 0.09
    """Fraction of the picture's width below which a face is too small to judge."""
    mesh: float = 0.5
    """Landmark score below which a face is hidden or in profile."""
    covered: float = 0.35
    """Contrast of an eye or the mouth, as a share of the person's usual, below which it is covered."""


class FaceDetector:
    """Scores: 0.5 stands at the limit in the settings."""

    name: ClassVar[str] = "faces"
    kinds: ClassVar[frozenset[Kind]] = frozenset(
        {Kind.NO_FACE, Kind.MULTIPLE_FACES, Kind.HEAD_TURNED, Kind.FACE_TOO_SMALL, Kind.FACE_OCCLUDED}
    )

    def __init__(self, watch: FaceWatch, settings: FaceSettings | None = None) -> None:
        self._watch = watch
        self._settings = settings or FaceSettings()
        self._parts = PartWatch()
        self._track = 0

    def reset(self) -> None:
        self._watch.reset()
        self._parts.forget()

    def observe(self, sample: VideoSample) -> Sequence[Observation]:
        look = self._watch.look(sample)
        boxes = tuple(
            box_of(face.box, sample.width, sample.height, "face", face.score) for face in look.faces
        )
        return [self._no_face(sample, look), self._several(sample, look, boxes), *self._main(sample, look)]

    def _say(
        self,
        sample: VideoSample,
        kind: Kind,
        score: float,
        boxes: tuple[Box, ...] = (),
        blind: Blindness | None = None,
        **attributes: float | str,
    ) -> Observation:
        score = min(1.0, max(0.0, score))
        return Observation(sample.at, self.name, kind, score, Measurability(blind), boxes, attributes)

    def _no_face(self, sample: VideoSample, look: Look) -> Observation:
        """In the dark nobody can be missed; a faint candidate lowers the score."""
        if look.faces:
            return self._say(sample, Kind.NO_FACE, 0.0)
        blind = self._watch.light(sample).blindness
        return self._say(sample, Kind.NO_FACE, 1.0 - look.faint, blind=blind)

    def _several(self, sample: VideoSample, look: Look, boxes: tuple[Box, ...]) -> Observation:
        settings = self._settings
        others = [
            face
            for face in look.faces
            if face is not look.main and face.box.width >= settings.second_face_width * sample.width
        ]
        strongest = max((face.score for face in others), default=0.0)
        score = graded(strongest, none=0.0, limit=settings.second_face)
        return self._say(sample, Kind.MULTIPLE_FACES, score, boxes, faces=float(len(look.faces)))

    def _main(self, sample: VideoSample, look: Look) -> list[Observation]:
        face = look.main
        kinds = (Kind.HEAD_TURNED, Kind.FACE_TOO_SMALL, Kind.FACE_OCCLUDED)
        if face is None:
            return [self._say(sample, kind, 0.0, blind=Blindness.NO_FACE) for kind in kinds]
        box = (box_of(face.box, sample.width, sample.height, "face", face.score),)
        share = face.box.width / sample.width
        least = self._settings.small
        score = graded(share, none=2 * least, limit=least)
        small = self._say(sample, Kind.FACE_TOO_SMALL, score, box, width=round(share, 3))
        if share < least:
            blind = Blindness.FACE_TOO_SMALL
            turned = self._say(sample, Kind.HEAD_TURNED, 0.0, box, blind)
            return [turned, small, self._say(sample, Kind.FACE_OCCLUDED, 0.0, box, blind)]
        return [self._turned(sample, face, box), small, self._occluded(sample, face, box)]

    def _turned(self, sample: VideoSample, face: Face, box: tuple[Box, ...]) -> Observation:
        settings = self._settings
        pose = self._watch.pose(sample)
        if pose is None:
            if in_profile(face):
                return self._say(sample, Kind.HEAD_TURNED, 1.0, box, direction=profile_side(face))
            return self._say(sample, Kind.HEAD_TURNED, 0.0, box, Blindness.FACE_OCCLUDED)
        gaze = self._watch.gaze(sample)
        # Pitch means nothing before calibration: it carries a personal offset of up to 25°.
        yaw, pitch = (gaze.head_yaw, gaze.head_pitch) if gaze else (pose.yaw, 0.0)
        beyond = max(abs(yaw) / settings.turned_yaw, abs(pitch) / settings.turned_pitch)
        direction = direction_of(yaw / settings.turned_yaw, pitch / settings.turned_pitch)
        score = graded(beyond, none=0.5, limit=1.0)
        return self._say(
            sample, Kind.HEAD_TURNED, score, box,
            yaw_deg=round(yaw, 1), pitch_deg=round(pitch, 1), direction=direction,
        )  # fmt: skip

    def _occluded(self, sample: VideoSample, face: Face, box: tuple[Box, ...]) -> Observation:
        """A face where landmarks find none, or of which a part is covered; not one in profile."""
        mesh, pose = self._watch.mesh(sample), self._watch.pose(sample)
        if mesh is None or in_profile(face):
            return self._say(sample, Kind.FACE_OCCLUDED, 0.0, box, Blindness.FACE_TURNED)
        score = graded(1.0 - mesh.score, none=0.0, limit=1.0 - self._settings.mesh)
        if pose is None or abs(pose.yaw) > self._settings.turned_yaw:
            return self._say(sample, Kind.FACE_OCCLUDED, score, box)
        if self._watch.track_id != self._track:
            self._track = self._watch.track_id
            self._parts.forget()
        worst = self._parts.look(sample.image, mesh)
        if worst is None:
            return self._say(sample, Kind.FACE_OCCLUDED, score, box)
        covered = graded(worst.share, none=2 * self._settings.covered, limit=self._settings.covered)
        return self._say(
            sample, Kind.FACE_OCCLUDED, max(score, covered), box,
            part=worst.part, contrast=round(worst.share, 2),
        )  # fmt: skip
