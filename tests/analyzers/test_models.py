"""The weights: complete, undamaged, licensed, loaded once."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from analyzers import models
from analyzers.models import WEIGHTS, ModelStore, Where, read_manifest, sha256_of
from core.errors import EngineUnavailable

BUNDLED = [entry for entry in read_manifest().values() if entry.where is Where.BUNDLED]


@pytest.mark.parametrize("entry", BUNDLED, ids=lambda entry: entry.name)
def test_bundled_files_are_what_the_manifest_says(entry: models.Weights) -> None:
    assert sha256_of(WEIGHTS / entry.file) == entry.sha256
    assert (WEIGHTS / "licences" / f"{entry.licence}.txt").is_file()


def test_no_weights_lie_about_without_an_entry() -> None:
    named = {entry.file for entry in BUNDLED}
    assert {file.name for file in WEIGHTS.glob("*.onnx")} == named


def test_declared_shapes_are_those_of_the_file(store: ModelStore) -> None:
    for entry in BUNDLED:
        session = store.session(entry.name)
        assert {given.name for given in session.get_inputs()} == set(entry.inputs)
        assert set(entry.outputs) <= {given.name for given in session.get_outputs()}


def test_the_weights_of_dlib_come_with_its_package(store: ModelStore) -> None:
    for name in ("dlib_resnet", "dlib_points5"):
        file = store.require(name, setting="identity")
        assert sha256_of(file) == store.manifest[name].sha256


def test_a_session_is_loaded_once_for_everybody() -> None:
    store = ModelStore()
    seen: list[object] = []
    threads = [
        threading.Thread(target=lambda: seen.append(store.session("blazeface_short"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 4
    assert all(session is seen[0] for session in seen)


def test_a_damaged_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "blazeface_short_range_128.onnx"
    shutil.copy(WEIGHTS / file.name, file)
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    monkeypatch.setattr(models, "WEIGHTS", tmp_path)
    with pytest.raises(EngineUnavailable, match="damaged"):
        ModelStore().session("blazeface_short", setting="faces")


def test_a_missing_upstream_file_is_named_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable) as refused:
        ModelStore(tmp_path).session("yolox", setting="objects")
    sentence = str(refused.value)
    assert "objects = yolox" in sentence
    assert "yolox_nano_416.onnx" in sentence
    assert str(tmp_path) in sentence


def test_the_models_directory_can_be_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVIGIL_MODELS_DIR", str(tmp_path))
    assert ModelStore().models_dir == tmp_path


def test_an_upstream_file_that_differs_is_used_and_told(tmp_path: Path) -> None:
    shutil.copy(WEIGHTS / "blazeface_short_range_128.onnx", tmp_path / "yolox_nano_416.onnx")
    store = ModelStore(tmp_path)
    assert store.require("yolox") == tmp_path / "yolox_nano_416.onnx"
    report = next(line for line in store.describe() if line.weights.name == "yolox")
    assert report.verified is False


def test_describe_tells_what_is_here_and_how_fast(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.session("blazeface_short")
    reports = {report.weights.name: report for report in store.describe(measure=True)}
    assert set(reports) == set(store.manifest)
    assert reports["blazeface_short"].loaded
    assert reports["ssdlite"].verified
    assert (reports["ssdlite"].milliseconds or 0) > 0
    assert (reports["dlib_resnet"].milliseconds or 0) > 0
    assert reports["yunet"].file is None
    assert reports["yunet"].milliseconds is None
    assert "no commercial use" in reports["dlib_points68"].weights.licence
