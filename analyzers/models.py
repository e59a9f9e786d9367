"""The weights: which, from which package, under what licence; checked once, loaded once, shared.

A `ModelStore` belongs to a process. Sessions and predictors are stateless and are shared by all
students; what a detector remembers of a student lives in the detector.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import threading
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import onnxruntime as ort

from core.errors import EngineUnavailable

log = logging.getLogger(__name__)
T = TypeVar("T")

WEIGHTS = Path(__file__).parent / "weights"
MODELS_DIR_VARIABLE = "INVIGIL_MODELS_DIR"


class Where(StrEnum):
    """Where a weights file is found."""

    BUNDLED = "bundled"
    PACKAGE = "package"
    UPSTREAM = "upstream"


@dataclass(frozen=True, slots=True)
class Weights:
    """One entry of `weights/manifest.toml`."""

    name: str
    need: str
    where: Where
    file: str
    package: str
    version: str
    path: str
    licence: str
    sha256: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def source(self) -> str:
        return f"{self.package} {self.version}"


def read_manifest(file: Path = WEIGHTS / "manifest.toml") -> dict[str, Weights]:
    with file.open("rb") as stream:
        entries = tomllib.load(stream)
    return {
        name: Weights(
            name=name, where=Where(entry["where"]), **{k: v for k, v in entry.items() if k != "where"}
        )
        for name, entry in entries.items()
    }


@dataclass(frozen=True, slots=True)
class ModelReport:
    """A line of `invigil models`."""

    weights: Weights
    file: Path | None
    """None: not on this machine."""
    loaded: bool
    verified: bool | None
    """Whether the checksum is the manifest's; None: not looked at."""
    milliseconds: float | None
    """Median of one run on this machine, one thread; None where it was not measured."""


def default_models_dir() -> Path | None:
    named = os.environ.get(MODELS_DIR_VARIABLE)
    return Path(named) if named else None


class ModelStore:
    """Finds, verifies, loads and shares weights.

    `models_dir` is where the operator keeps upstream files (default: $INVIGIL_MODELS_DIR). Every
    session runs on one thread, without spinning: parallelism is many students, not one picture.
    """

    def __init__(self, models_dir: Path | None = None) -> None:
        self.models_dir = models_dir or default_models_dir()
        self.manifest = read_manifest()
        self._lock = threading.RLock()
        self._shared: dict[str, Any] = {}
        self._verified: dict[Path, bool] = {}
        cv2.setNumThreads(1)

    def session(self, name: str, *, setting: str = "engine") -> ort.InferenceSession:
        """The shared ONNX session of a manifest entry. Raises EngineUnavailable."""
        return self.once(f"session:{name}", lambda: open_session(self.require(name, setting=setting)))

    def open_file(self, file: Path) -> ort.InferenceSession:
        """The shared session of a file outside the manifest (an operator's own export)."""
        return self.once(f"session:{file}", lambda: open_session(file))

    def once(self, key: str, load: Callable[[], T]) -> T:
        """`load()` at the first call with this key, the same object ever after."""
        with self._lock:
            if key not in self._shared:
                self._shared[key] = load()
            shared: T = self._shared[key]
            return shared

    def find(self, name: str) -> Path | None:
        """Where the file of a manifest entry lies on this machine, if it does."""
        weights = self.manifest[name]
        directory = self._directory(weights.where)
        file = directory / weights.file if directory else None
        return file if file and file.is_file() else None

    def require(self, name: str, *, setting: str = "engine") -> Path:
        """The verified file of a manifest entry. Raises EngineUnavailable with what to do about it."""
        weights = self.manifest[name]
        file = self.find(name)
        if file is None:
            raise EngineUnavailable(setting=setting, engine=name, reason=self._how_to_get(weights))
        if not self._verify(file, weights):
            if weights.where is Where.BUNDLED:
                raise EngineUnavailable(
                    setting=setting, engine=name, reason=f"{file.name} is damaged: its checksum is wrong."
                )
            log.warning("weights differ from the tested ones", extra={"weights_file": str(file)})
        return file

    def describe(self, *, measure: bool = False) -> list[ModelReport]:
        """Every known weights file; with `measure`, loads those at hand and times a run."""
        return [self._report(weights, measure) for weights in self.manifest.values()]

    def _report(self, weights: Weights, measure: bool) -> ModelReport:
        file = self.find(weights.name)
        speed = self._measure(weights, file) if measure and file else None
        verified = (
            self._verify(file, weights) if file and measure else self._verified.get(file) if file else None
        )
        loaded = any(key.endswith(f":{weights.name}") for key in self._shared)
        return ModelReport(weights, file, loaded, verified, speed)

    def _measure(self, weights: Weights, file: Path) -> float | None:
        if file.suffix == ".onnx":
            return measure_run(self.session(weights.name))
        return measure_dlib(file)

    def _directory(self, where: Where) -> Path | None:
        match where:
            case Where.BUNDLED:
                return WEIGHTS
            case Where.PACKAGE:
                spec = importlib.util.find_spec("face_recognition_models")
                return Path(spec.origin).parent / "models" if spec and spec.origin else None
            case Where.UPSTREAM:
                return self.models_dir

    def _how_to_get(self, weights: Weights) -> str:
        match weights.where:
            case Where.BUNDLED:
                return f"{weights.file} is missing from {WEIGHTS}; install Invigil again."
            case Where.PACKAGE:
                return f"{weights.file} comes with the package {weights.package}, which is not installed."
            case Where.UPSTREAM:
                place = self.models_dir or f"a directory that {MODELS_DIR_VARIABLE} names"
                return f"put {weights.file} from {weights.source} ({weights.path}) into {place}."

    def _verify(self, file: Path, weights: Weights) -> bool:
        with self._lock:
            if file not in self._verified:
                self._verified[file] = sha256_of(file) == weights.sha256
            return self._verified[file]


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def open_session(file: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def measure_run(session: ort.InferenceSession, runs: int = 9) -> float:
    """Median milliseconds of one run on zeros; free dimensions are taken as 1 (pictures: 320)."""
    feed = {entry.name: _zeros(entry) for entry in session.get_inputs()}
    return median_ms(lambda: session.run(None, feed), runs)


def measure_dlib(file: Path, runs: int = 5) -> float | None:
    """As `measure_run`, for dlib's own format; None where dlib is not installed."""
    try:
        import dlib
    except ImportError:
        return None
    face = np.zeros((150, 150, 3), np.uint8)
    if "resnet" in file.name:
        network = dlib.face_recognition_model_v1(str(file))
        return median_ms(lambda: network.compute_face_descriptor(face), runs)
    predictor, box = dlib.shape_predictor(str(file)), dlib.rectangle(20, 20, 130, 130)
    return median_ms(lambda: predictor(face, box), runs)


def median_ms(run: Callable[[], object], runs: int) -> float:
    """Median milliseconds, after one run to warm up."""
    run()
    took = []
    for _ in range(runs):
        started = time.perf_counter()
        run()
        took.append((time.perf_counter() - started) * 1000)
    return float(np.median(took))


def _zeros(entry: Any) -> Any:
    """Input of the shape a model declares; two of the voice model's are not as declared."""
    if entry.name == "sr":
        return np.array(16_000, np.int64)
    if entry.name == "input" and len(entry.shape) == 2:
        return np.zeros((1, 576), np.float32)
    free = 320 if len(entry.shape) == 4 else 1
    return np.zeros([size if isinstance(size, int) else free for size in entry.shape], np.float32)
