"""DeepFace on its TensorFlow engine: the extra `tensorflow`."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analyzers.engines.base import Image
from analyzers.engines.deepface import DeepFaceIdentity
from analyzers.models import ModelStore
from analyzers.registry import Engines

pytestmark = pytest.mark.extras
pytest.importorskip("deepface")
# Not imported here: DeepFace must come first, it chooses the Keras that its weights are made for.
if importlib.util.find_spec("tensorflow") is None:
    pytest.skip("the package tensorflow is not installed", allow_module_level=True)


def test_a_tensorflow_model_embeds_a_face(
    tmp_path: Path, engines: Engines, picture: Callable[[str], Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real network with weights drawn by chance, for the trained ones cannot be fetched here: what is
    tested is that the engine finds, loads and runs a TensorFlow model, not how well it knows people."""
    monkeypatch.setenv("DEEPFACE_HOME", str(tmp_path))
    weights = tmp_path / ".deepface" / "weights" / "facenet_weights.h5"
    weights.parent.mkdir(parents=True)
    importlib.import_module("deepface.DeepFace")
    facenet = importlib.import_module("deepface.models.facial_recognition.tf.Facenet")
    facenet.InceptionResNetV1().save_weights(str(weights))
    backend = importlib.import_module("deepface.commons.backend_utils")
    assert backend.get_backend_engine() == "tensorflow"

    engine = DeepFaceIdentity(ModelStore(), "Facenet")
    image = picture("obama")
    face = engines.faces.find(image)[0]
    embedding = engine.embed(image, face)
    assert embedding.shape == (128,)
    assert np.linalg.norm(embedding) == pytest.approx(1.0, abs=1e-4)
    assert engine.distance(embedding, engine.embed(image, face)) == pytest.approx(0.0, abs=1e-3)
