"""Which engines and detectors there are, by name; and the set of detectors that watches one student.

To add a detector: write its file after `base.Detector`, add its settings to `settings.VisionSettings`,
add a line to `DETECTORS`. To add an engine: write its file in `engines/`, add a line to its table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from analyzers.base import Detector
from analyzers.browser import BrowserDetector
from analyzers.engines import ultralytics
from analyzers.engines.base import FaceEngine, IdentityEngine, LandmarkEngine, ObjectEngine
from analyzers.engines.blazeface import BlazeFace
from analyzers.engines.centerface import CenterFace
from analyzers.engines.deepface import DeepFaceIdentity
from analyzers.engines.dlib68 import Dlib68
from analyzers.engines.dlib_identity import DlibIdentity
from analyzers.engines.facemesh import FaceMesh
from analyzers.engines.ssdlite import SSDLite
from analyzers.engines.yolox import YoloX
from analyzers.engines.yunet import YuNet
from analyzers.enrolment import Enroller, Enrolment
from analyzers.faces import FaceDetector
from analyzers.gaze import GazeDetector
from analyzers.identity import IdentityDetector
from analyzers.models import ModelStore
from analyzers.objects import ObjectDetector
from analyzers.scene import SceneDetector
from analyzers.settings import EngineSettings, Overrides, VisionSettings, with_overrides
from analyzers.speech import SpeechDetector
from analyzers.watch import FaceWatch
from core.errors import BadSettings, EngineUnavailable
from core.samples import AudioChunk, ClientSignal, VideoSample

E = TypeVar("E")
Sample = type[VideoSample] | type[AudioChunk] | type[ClientSignal]

FACE_ENGINES: Mapping[str, Callable[[ModelStore], FaceEngine]] = {
    "blazeface": BlazeFace.full_range,
    "centerface": CenterFace,
    "yunet": YuNet,
}
LANDMARK_ENGINES: Mapping[str, Callable[[ModelStore], LandmarkEngine]] = {
    "facemesh": FaceMesh,
    "dlib68": Dlib68,
}
OBJECT_ENGINES: Mapping[str, Callable[[ModelStore], ObjectEngine]] = {
    "ssdlite": SSDLite,
    "yolox": YoloX,
    "ultralytics": ultralytics.load,
}
IDENTITY_ENGINES: Mapping[str, Callable[[ModelStore], IdentityEngine]] = {
    "dlib": DlibIdentity,
}


@dataclass(frozen=True, slots=True)
class Engines:
    """Stateless, one of each need, shared by all students of a process."""

    faces: FaceEngine
    follower: FaceEngine
    landmarks: LandmarkEngine
    objects: ObjectEngine
    identity: IdentityEngine


def load_engines(settings: EngineSettings, store: ModelStore) -> Engines:
    """Load what the settings name, once a process. Raises EngineUnavailable with one clear sentence."""
    return store.once(
        f"engines:{settings}",
        lambda: Engines(
            _engine("faces", settings.faces, FACE_ENGINES, store),
            BlazeFace.short_range(store),
            _engine("landmarks", settings.landmarks, LANDMARK_ENGINES, store),
            _engine("objects", settings.objects, OBJECT_ENGINES, store),
            _identity_engine(settings.identity, store),
        ),
    )


def _engine(setting: str, named: str, table: Mapping[str, Callable[[ModelStore], E]], store: ModelStore) -> E:
    if named not in table:
        known = ", ".join(table)
        raise EngineUnavailable(setting=setting, engine=named, reason=f"only these are known: {known}.")
    return table[named](store)


def _identity_engine(named: str, store: ModelStore) -> IdentityEngine:
    """`dlib`, or `deepface:<model>`."""
    family, _, model = named.partition(":")
    if family == "deepface" and model:
        return store.once(f"identity:{named}", lambda: DeepFaceIdentity(store, model))
    return _engine("identity", named, IDENTITY_ENGINES, store)


def enroller(settings: VisionSettings, store: ModelStore) -> Enroller:
    engines = load_engines(settings.engines, store)
    return Enroller(engines.faces, engines.landmarks, engines.identity, settings.enrolment)


@dataclass(frozen=True, slots=True)
class Context:
    """What a detector's factory may use."""

    settings: VisionSettings
    store: ModelStore
    engines: Engines
    watch: FaceWatch
    enrolment: Enrolment | None


class Entry(NamedTuple):
    """A detector's factory, what it looks at, and how often (Hz; 0: it is given everything as it comes)."""

    make: Callable[[Context], Detector[Any]]
    rate_hz: Callable[[VisionSettings], float]
    sample: Sample = VideoSample


def _speech(context: Context) -> SpeechDetector:
    voice = context.enrolment.voice if context.enrolment else None
    return SpeechDetector.load(
        context.store, context.settings.engines.speech, None if voice is None else voice.tolist()
    )


DETECTORS: Mapping[str, Entry] = {
    "faces": Entry(lambda c: FaceDetector(c.watch, c.settings.faces), lambda s: s.faces.rate_hz),
    "identity": Entry(
        lambda c: IdentityDetector(c.watch, c.engines.identity, c.enrolment, c.settings.identity),
        lambda s: s.identity.rate_hz,
    ),
    "gaze": Entry(lambda c: GazeDetector(c.watch, c.settings.gaze), lambda s: s.gaze.rate_hz),
    "objects": Entry(
        lambda c: ObjectDetector(c.engines.objects, c.settings.objects), lambda s: s.objects.rate_hz
    ),
    "scene": Entry(lambda c: SceneDetector(c.watch, c.settings.scene), lambda s: s.scene.rate_hz),
    "speech": Entry(_speech, lambda s: 0.0, AudioChunk),
    "browser": Entry(lambda c: BrowserDetector(), lambda s: 0.0, ClientSignal),
}
"""Order matters: in one sample, faces are looked for before identity and gaze need them."""


class Placed(NamedTuple):
    """A detector at work, how often it looks (Hz; 0: at everything), and at what."""

    detector: Detector[Any]
    rate_hz: float
    sample: Sample = VideoSample

    def wants(self, sample: VideoSample) -> bool:
        """Whether it asks to look now, whatever its rate."""
        wants = getattr(self.detector, "wants", None)
        return bool(wants and wants(sample))


@dataclass(frozen=True, slots=True)
class Panel:
    """All that watches one student; iterates over what is placed: (detector, rate_hz, sample)."""

    placed: tuple[Placed, ...]
    watch: FaceWatch

    def __iter__(self) -> Iterator[Placed]:
        return iter(self.placed)

    def __len__(self) -> int:
        return len(self.placed)

    def of(self, sample: Sample) -> tuple[Placed, ...]:
        """The detectors that look at VideoSample, AudioChunk or ClientSignal."""
        return tuple(placed for placed in self.placed if placed.sample is sample)

    def get(self, name: str) -> Detector[Any] | None:
        return next((placed.detector for placed in self.placed if placed.detector.name == name), None)

    def reset(self) -> None:
        """The stream broke: forget what was seen. Calibration and enrolment stay."""
        self.watch.reset()
        for placed in self.placed:
            placed.detector.reset()


def build(
    settings: VisionSettings,
    store: ModelStore,
    enrolment: Enrolment | None = None,
    overrides: Overrides | None = None,
) -> Panel:
    """The detectors of one student. Raises EngineUnavailable or BadSettings, at the start or never."""
    settings = with_overrides(settings, overrides)
    for name in (*settings.detectors, *settings.rates):
        if name not in DETECTORS:
            raise BadSettings(detail=f"There is no detector {name!r}; there are {', '.join(DETECTORS)}.")
    engines = load_engines(settings.engines, store)
    watch = FaceWatch(
        engines.faces,
        engines.follower,
        engines.landmarks,
        settings.watch,
        enrolment.neutral if enrolment else None,
    )
    context = Context(settings, store, engines, watch, enrolment)
    return Panel(
        tuple(
            Placed(entry.make(context), settings.rates.get(name, entry.rate_hz(settings)), entry.sample)
            for name, entry in DETECTORS.items()
            if settings.detectors.get(name, True)
        ),
        watch,
    )
