"""Identity by a model of the DeepFace package (an extra; MIT, its models have their own licences).

For enrolment and for comparing experiments; seconds a picture on the larger models. Weights are looked
for in `<models dir>/.deepface/weights` (or `DEEPFACE_HOME`), and never downloaded: a missing file is
named. `deepface:Dlib` uses the dlib weights that Invigil has anyway.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzers.engines.base import Face, Image
from analyzers.engines.boxes import crop_around
from analyzers.models import ModelStore
from core.errors import EngineUnavailable

MARGIN = 1.15
"""The face's surroundings that are shown to the model, in face sizes."""


class DeepFaceIdentity:
    def __init__(self, store: ModelStore, model: str) -> None:
        self.name = f"deepface:{model}"
        self._model = model
        self._deepface = store.once(self.name, lambda: _load(store, model))
        self.limit = float(_threshold(model))

    def embed(self, image: Image, face: Face) -> NDArray[np.float32]:
        crop, _, _ = crop_around(image, face.box, MARGIN)
        answer = self._deepface.represent(
            np.ascontiguousarray(crop),
            model_name=self._model,
            detector_backend="skip",
            enforce_detection=False,
            align=False,
        )
        embedding = np.array(answer[0]["embedding"], np.float32)
        return embedding / max(float(np.linalg.norm(embedding)), 1e-9)

    def distance(self, one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
        """L2 between embeddings of length 1: the package's `euclidean_l2`."""
        one, other = (value / max(float(np.linalg.norm(value)), 1e-9) for value in (one, other))
        return float(np.linalg.norm(one - other))


def _load(store: ModelStore, model: str) -> Any:
    home = _home(store)
    os.environ["DEEPFACE_HOME"] = str(home)
    try:
        from deepface import DeepFace
        from deepface.modules import modeling
    except ImportError as error:
        raise _unavailable(
            model, f"the package deepface is not installed (pip install 'invigil[deepface]'): {error}."
        ) from error
    if model == "Dlib":
        _lend_dlib(store, home)
    known = modeling.AVAILABLE_MODELS["facial_recognition"]
    if model not in known:
        raise _unavailable(model, f"DeepFace knows {', '.join(sorted(known))}.")
    with _no_downloads(model, home):
        DeepFace.build_model(model, "facial_recognition")
    return DeepFace


def _home(store: ModelStore) -> Path:
    named = os.environ.get("DEEPFACE_HOME")
    home = Path(named) if named else (store.models_dir or Path.home())
    (home / ".deepface" / "weights").mkdir(parents=True, exist_ok=True)
    return home


def _lend_dlib(store: ModelStore, home: Path) -> None:
    ours = store.require("dlib_resnet", setting="identity")
    with suppress(FileExistsError):
        (home / ".deepface" / "weights" / ours.name).symlink_to(ours)


@contextmanager
def _no_downloads(model: str, home: Path) -> Iterator[None]:
    """The package downloads what it misses; here that is a sentence about what to put where."""
    from deepface.commons import weight_utils

    def refuse(url: str) -> None:
        raise _Missing(url)

    allowed = weight_utils.ensure_source_is_reachable
    weight_utils.ensure_source_is_reachable = refuse
    try:
        yield
    except Exception as error:
        missing = _missing_in(error)
        if missing is None:
            raise _unavailable(model, f"it does not start: {error}") from error
        raise _unavailable(
            model, f"download {missing.url} into {home / '.deepface' / 'weights'} (unpacked)."
        ) from error
    finally:
        weight_utils.ensure_source_is_reachable = allowed


class _Missing(Exception):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


def _missing_in(error: BaseException | None) -> _Missing | None:
    while error is not None:
        if isinstance(error, _Missing):
            return error
        error = error.__cause__ or error.__context__
    return None


def _threshold(model: str) -> float:
    from deepface.modules.verification import find_threshold

    return float(find_threshold(model, "euclidean_l2"))


def _unavailable(model: str, reason: str) -> EngineUnavailable:
    return EngineUnavailable(setting="identity", engine=f"deepface:{model}", reason=reason)
