"""Identity by a model of the DeepFace package, on onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.engines.base import Image
from analyzers.engines.deepface import DeepFaceIdentity
from analyzers.models import ModelStore
from analyzers.registry import Engines, load_engines
from analyzers.settings import EngineSettings
from core.errors import EngineUnavailable

pytestmark = pytest.mark.extras
pytest.importorskip("deepface")

Picture = Callable[[str], Image]


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine names its own home; each test has another one."""
    monkeypatch.delenv("DEEPFACE_HOME", raising=False)


def test_the_dlib_model_tells_people_apart(tmp_path: Path, engines: Engines, picture: Picture) -> None:
    engine = load_engines(EngineSettings(identity="deepface:Dlib"), ModelStore(tmp_path)).identity
    embeddings = {}
    for name in ("obama", "obama2", "biden"):
        image = picture(name)
        embeddings[name] = engine.embed(image, engines.faces.find(image)[0])
    assert engine.name == "deepface:Dlib"
    assert engine.distance(embeddings["obama"], embeddings["obama2"]) < engine.limit
    assert engine.distance(embeddings["obama"], embeddings["biden"]) > engine.limit


def test_nothing_is_downloaded_and_the_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="download http"):
        DeepFaceIdentity(ModelStore(tmp_path), "Facenet")


def test_a_model_it_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="DeepFace knows"):
        DeepFaceIdentity(ModelStore(tmp_path), "Nonsense")
