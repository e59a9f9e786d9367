"""Object detection by a model of the Ultralytics package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.engines import ultralytics
from analyzers.engines.base import Image
from analyzers.engines.coco import INDEX_80
from analyzers.models import ModelStore
from core.errors import EngineUnavailable

pytestmark = pytest.mark.extras
package = pytest.importorskip("ultralytics")

COCO = {index: str(index) for index in range(80)} | {index: name for name, index in INDEX_80.items()}


def test_a_pt_file_is_run_by_the_package(tmp_path: Path, picture: Callable[[str], Image]) -> None:
    """An untrained model of the real layout: nothing is downloaded; its answers become our types."""
    model = package.YOLO("yolo11n.yaml")
    model.model.names = COCO
    model.save(str(tmp_path / "yolo11n.pt"))
    engine = ultralytics.load(ModelStore(tmp_path))
    assert isinstance(engine, ultralytics.PackagedYolo)
    image = picture("portrait-1")
    height, width = image.shape[:2]
    things = engine.find(image, 1e-9)
    assert things
    for thing in things:
        assert thing.label in INDEX_80
        assert 0 <= thing.box.left <= thing.box.right <= width
        assert 0 <= thing.box.top <= thing.box.bottom <= height


def test_a_model_that_knows_nothing_of_use_is_refused(tmp_path: Path) -> None:
    package.YOLO("yolo11n.yaml").save(str(tmp_path / "yolo11n.pt"))
    with pytest.raises(EngineUnavailable, match="knows none of person"):
        ultralytics.load(ModelStore(tmp_path))
