"""One student's face, followed: what the detectors of a sample share, computed once.

Finding every face costs 9 ms, following a near one 2 ms: so the followed face is looked for with the
short-range model around where it was, and the whole picture is searched once a second, whenever the
face was lost, and when a detector asks for it. `track_id` changes when continuity breaks: somebody
left and somebody came, which may be somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import hypot, inf

import numpy as np

from analyzers.engines.base import Face, FaceEngine, LandmarkEngine, Mesh, Rect
from analyzers.engines.boxes import crop_around
from analyzers.picture import Light, light, thumbnail
from analyzers.pose import CalibrationSettings, Gaze, Neutral, NeutralLearner, Pose, estimate, gaze_from
from core.findings import Box
from core.samples import VideoSample


@dataclass(frozen=True, slots=True)
class WatchSettings:
    search_every: float = 1.0
    """Seconds between searches of the whole picture while a face is followed."""
    certain: float = 0.5
    """Score from which the finder's answer counts as a face."""
    faint: float = 0.3
    """Score from which it counts as a doubt about there being none."""
    follow: float = 0.6
    """Score below which the follower has lost the face."""
    follow_crop: float = 2.5
    """The follower looks at a square this many times the face's size."""
    stay: float = 0.15
    """Overlap (intersection over union) with the last box that continues a track."""
    lost: float = 1.5
    """Seconds without a face, or between looks, after which a track is broken."""
    calibration: CalibrationSettings = field(default_factory=CalibrationSettings)


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of the faces in one sample."""

    at: float
    faces: tuple[Face, ...]
    """Every face; where not `searched`, those beside the followed one are from the last search."""
    main: Face | None
    """The student's: the followed one."""
    faint: float
    """Score of the best candidate that was not counted; 0 where there was none."""
    searched: bool
    """Whether the whole picture was searched in this very sample."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """What is drawn over the picture; all in fractions of it (0–1)."""

    at: float
    faces: tuple[Box, ...]
    points: tuple[tuple[float, float], ...]
    """About forty landmarks: eyes, brows, nose, mouth, chin."""
    gaze: tuple[float, float, float, float] | None
    """A line from between the eyes to where the person looks: x, y, x, y."""


@dataclass(frozen=True, slots=True)
class _Marks:
    """What an overlay draws into the face."""

    at: float
    points: tuple[tuple[float, float], ...]
    gaze: tuple[float, float, float, float] | None


class FaceWatch:
    """State of one student; engines are shared. Samples come in order of time."""

    def __init__(
        self,
        finder: FaceEngine,
        follower: FaceEngine,
        landmarks: LandmarkEngine,
        settings: WatchSettings | None = None,
        neutral: Neutral | None = None,
    ) -> None:
        self._finder = finder
        self._follower = follower
        self._landmarks = landmarks
        self._settings = settings or WatchSettings()
        self._learner = NeutralLearner(self._settings.calibration, neutral)
        self._tracks = 0
        self._forget()

    def _forget(self) -> None:
        self._sample: VideoSample | None = None
        self._look: Look | None = None
        self._light: Light | None = None
        self._mesh: Mesh | None = None
        self._meshed = False
        self._pose: Pose | None = None
        self._marks: _Marks | None = None
        self._last_face: Face | None = None
        self._others: tuple[Face, ...] = ()
        self._seen_at = -inf
        self._searched_at = -inf
        self._looked_at = -inf

    def reset(self) -> None:
        """The stream broke: the next face is a new track. What straight ahead is stays known."""
        self._forget()

    @property
    def track_id(self) -> int:
        """Grows by one whenever a face appears without continuity; 0 before the first."""
        return self._tracks

    @property
    def looked_at(self) -> float:
        """Time of the latest sample in which faces were looked for; -inf before the first."""
        return self._looked_at

    @property
    def neutral(self) -> Neutral | None:
        return self._learner.neutral

    def recalibrate(self, neutral: Neutral | None = None) -> None:
        """Take this as straight ahead, or learn it anew."""
        self._learner = NeutralLearner(self._settings.calibration, neutral)

    def look(self, sample: VideoSample) -> Look:
        """The faces in a sample; the same answer for the same sample."""
        if self._look is None or self._sample is not sample:
            self._turn_to(sample)
            self._look = self._follow(sample) or self._search(sample)
            self._looked_at = sample.at
        return self._look

    def search(self, sample: VideoSample) -> Look:
        """As `look`, but certainly from the whole picture of this very sample."""
        look = self.look(sample)
        if not look.searched:
            self._meshed = False
            self._look = look = self._search(sample)
        return look

    def light(self, sample: VideoSample) -> Light:
        if self._sample is not sample:
            self._turn_to(sample)
        if self._light is None:
            self._light = light(thumbnail(sample.image))
        return self._light

    def mesh(self, sample: VideoSample) -> Mesh | None:
        """Landmarks of the followed face; None where there is none."""
        main = self.look(sample).main
        if not self._meshed:
            self._meshed = True
            self._mesh = self._landmarks.locate(sample.image, main) if main else None
            self._pose = None
            if self._mesh and self._mesh.score >= self._settings.certain:
                self._pose = estimate(self._mesh, sample.width, sample.height)
                if self._pose:
                    self._learner.learn(sample.at, self._pose)
            self._marks = self._mark(sample)
        return self._mesh

    def pose(self, sample: VideoSample) -> Pose | None:
        """Raw head pose of the followed face; None without a good mesh."""
        self.mesh(sample)
        return self._pose

    def gaze(self, sample: VideoSample) -> Gaze | None:
        """Head and eyes measured from straight ahead; None without a pose or before calibration."""
        pose, neutral = self.pose(sample), self.neutral
        return gaze_from(pose, neutral) if pose and neutral else None

    def overlay(self) -> Overlay | None:
        """What is known of the newest sample; None before the first.

        Where nobody asked for landmarks in it, those of the same face of a moment ago are shown.
        """
        if self._sample is None or self._look is None:
            return None
        width, height = self._sample.width, self._sample.height
        boxes = tuple(box_of(face.box, width, height, "face", face.score) for face in self._look.faces)
        marks, at = self._marks, self._look.at
        if marks is None or self._look.main is None or at - marks.at >= self._settings.search_every:
            return Overlay(at, boxes, (), None)
        return Overlay(at, boxes, marks.points, marks.gaze)

    def _mark(self, sample: VideoSample) -> _Marks | None:
        """Landmarks and gaze of this sample's good mesh, for drawing."""
        mesh = self._mesh
        if mesh is None or mesh.score < self._settings.certain:
            return None
        points = mesh.points[list(mesh.layout.contours), :2] / (sample.width, sample.height)
        return _Marks(
            sample.at,
            tuple((round(float(x), 4), round(float(y), 4)) for x, y in points),
            self._gaze_line(mesh, sample.width, sample.height),
        )

    def _gaze_line(self, mesh: Mesh, width: int, height: int) -> tuple[float, float, float, float] | None:
        if self._pose is None or self.neutral is None:
            return None
        gaze = gaze_from(self._pose, self.neutral)
        corners = mesh.points[[mesh.layout.left_eye[0], mesh.layout.right_eye[1]], :2]
        x, y = corners.mean(axis=0)
        length = 2.0 * float(np.linalg.norm(corners[1] - corners[0]))
        dx = length * float(np.sin(np.radians(np.clip(gaze.yaw, -90, 90))))
        dy = -length * float(np.sin(np.radians(np.clip(gaze.pitch, -90, 90))))
        line = (x / width, y / height, (x + dx) / width, (y + dy) / height)
        return tuple(round(float(value), 4) for value in line)  # type: ignore[return-value]

    def _turn_to(self, sample: VideoSample) -> None:
        self._sample = sample
        self._look = None
        self._light = None
        self._mesh = None
        self._meshed = False
        self._pose = None

    def _follow(self, sample: VideoSample) -> Look | None:
        """The face where it was, cheaply; None where it is time for a search or the face is not there."""
        settings, last = self._settings, self._last_face
        stale = sample.at - self._seen_at > settings.lost
        if last is None or stale or sample.at - self._searched_at >= settings.search_every:
            return None
        crop, left, top = crop_around(sample.image, last.box, settings.follow_crop)
        if min(crop.shape[:2]) < 8:
            return None
        found = [_moved(face, left, top) for face in self._follower.find(crop, settings.follow)]
        face = max(found, key=lambda face: face.box.iou(last.box), default=None)
        if face is None or face.box.iou(last.box) < settings.stay:
            return None
        others = tuple(other for other in self._others if other.box.iou(face.box) < settings.stay)
        self._keep(face, sample.at)
        return Look(sample.at, (face, *others), face, 0.0, searched=False)

    def _search(self, sample: VideoSample) -> Look:
        settings = self._settings
        candidates = self._finder.find(sample.image, settings.faint)
        faces = tuple(face for face in candidates if face.score >= settings.certain)
        faint = max((face.score for face in candidates if face.score < settings.certain), default=0.0)
        main = self._main_of(faces, sample.at)
        self._searched_at = sample.at
        self._others = tuple(face for face in faces if face is not main)
        if main:
            self._keep(main, sample.at)
        ordered = (main, *self._others) if main else self._others
        return Look(sample.at, ordered, main, faint, searched=True)

    def _main_of(self, faces: tuple[Face, ...], at: float) -> Face | None:
        """The face that continues the track; without one the largest, as a new track."""
        if not faces:
            return None
        last = self._last_face
        if last is not None and at - self._seen_at <= self._settings.lost:
            near = max(faces, key=lambda face: (face.box.iou(last.box), -_apart(face.box, last.box)))
            if near.box.iou(last.box) >= self._settings.stay or _apart(near.box, last.box) < 0.5:
                return near
        self._tracks += 1
        return max(faces, key=lambda face: face.box.area)

    def _keep(self, face: Face, at: float) -> None:
        self._last_face = face
        self._seen_at = at


def _moved(face: Face, left: int, top: int) -> Face:
    keypoints = None if face.keypoints is None else face.keypoints + np.array([left, top], np.float32)
    return replace(face, box=face.box.moved(left, top), keypoints=keypoints)


def _apart(one: Rect, other: Rect) -> float:
    """Distance of the centres, in widths of the second."""
    dx, dy = one.centre[0] - other.centre[0], one.centre[1] - other.centre[1]
    return hypot(dx, dy) / max(other.width, 1.0)


def box_of(rect: Rect, width: int, height: int, label: str, score: float) -> Box:
    """Fractions of the picture, cut at its edges."""
    left, right = (min(1.0, max(0.0, x / width)) for x in (rect.left, rect.right))
    top, bottom = (min(1.0, max(0.0, y / height)) for y in (rect.top, rect.bottom))
    return Box(left, top, max(left, right), max(top, bottom), label, min(1.0, max(0.0, score)))
