"""An Ultralytics model (v8 or v11 layout, COCO) of the operator's: `.onnx` without, `.pt` with their package.

Their code is AGPL-3.0: an extra (`pip install invigil[ultralytics]`), never a dependency. An exported
ONNX file runs here on onnxruntime alone. Nothing is ever downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analyzers.engines.base import Image, ObjectEngine, Thing
from analyzers.engines.boxes import Floats, Letterbox, letterbox, rect
from analyzers.engines.coco import INDEX_80
from analyzers.engines.suppress import strongest
from analyzers.models import MODELS_DIR_VARIABLE, ModelStore
from core.errors import EngineUnavailable

PATTERNS = ("yolov8*.onnx", "yolo11*.onnx", "yolov8*.pt", "yolo11*.pt")
GREY = 114
OVERLAP = 0.5
_LABELS = tuple(INDEX_80)
_COLUMNS = 4 + np.array([INDEX_80[label] for label in _LABELS])


def load(store: ModelStore) -> ObjectEngine:
    """The first yolov8* or yolo11* file in the models directory, ONNX before `.pt`."""
    found = [
        file for pattern in PATTERNS for file in sorted(store.models_dir.glob(pattern))
    ] if store.models_dir else []  # fmt: skip
    if not found:
        place = store.models_dir or f"a directory that {MODELS_DIR_VARIABLE} names"
        raise _unavailable(f"put a yolov8 or yolo11 model (.onnx or .pt) from Ultralytics into {place}.")
    return ExportedYolo(store, found[0]) if found[0].suffix == ".onnx" else PackagedYolo(store, found[0])


class ExportedYolo:
    """`yolo export format=onnx`: one output, 1×84×N; boxes as centre and size in px of the input."""

    def __init__(self, store: ModelStore, file: Path) -> None:
        self._session = store.open_file(file)
        entry = self._session.get_inputs()[0]
        self._input = entry.name
        self._side = entry.shape[2] if isinstance(entry.shape[2], int) else 640
        shape = self._session.get_outputs()[0].shape
        if len(shape) != 3 or shape[1] not in (84, "84"):
            raise _unavailable(f"{file.name} has outputs of {shape}; a COCO detector has 1×84×N.")

    def find(self, image: Image, threshold: float = 0.4) -> Sequence[Thing]:
        square = letterbox(image, self._side, fill=GREY)
        pixels = square.image[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 255
        raw = self._session.run(None, {self._input: np.ascontiguousarray(pixels)})[0]
        return decode(raw[0], square, threshold)


def decode(raw: Floats, square: Letterbox, threshold: float) -> list[Thing]:
    """84×N: cx, cy, w, h in px of the square, then 80 scores; to things in the picture."""
    scores = raw[_COLUMNS]
    columns, anchors = np.nonzero(scores >= threshold)
    centre, half = raw[:2, anchors].T, raw[2:4, anchors].T / 2
    boxes = square.back(np.concatenate([centre - half, centre + half], 1))
    things = [
        Thing(_LABELS[column], float(scores[column, anchor]), rect(box))
        for column, anchor, box in zip(columns, anchors, boxes, strict=True)
    ]
    return strongest(things, OVERLAP)


class PackagedYolo:
    """A `.pt` file, run by the Ultralytics package itself."""

    def __init__(self, store: ModelStore, file: Path) -> None:
        self._model = store.once(f"ultralytics:{file}", lambda: _open(file))
        names: dict[int, str] = self._model.names
        self._watched = {index: name for index, name in names.items() if name in INDEX_80}
        if not self._watched:
            raise _unavailable(f"{file.name} knows none of {', '.join(INDEX_80)}.")

    def find(self, image: Image, threshold: float = 0.4) -> Sequence[Thing]:
        answer = self._model.predict(
            image, conf=threshold, classes=list(self._watched), device="cpu", verbose=False
        )[0].boxes
        things = [
            Thing(self._watched[int(label)], float(score), rect(box))
            for label, score, box in zip(
                answer.cls.numpy(), answer.conf.numpy(), answer.xyxy.numpy(), strict=True
            )
        ]
        return strongest(things, OVERLAP)


def _open(file: Path) -> Any:
    try:
        from ultralytics import YOLO
    except ImportError as error:
        raise _unavailable(
            f"{file.name} needs the package ultralytics (pip install 'invigil[ultralytics]', AGPL-3.0), "
            "or export it to ONNX."
        ) from error
    return YOLO(str(file))


def _unavailable(reason: str) -> EngineUnavailable:
    return EngineUnavailable(setting="objects", engine="ultralytics", reason=reason)
