"""Clips from the cache; a test that needs one which cannot be had here is skipped, and fails under CI."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from simulation import clips
from simulation.clips import Clip
from simulation.media import MissingMedia


def unavailable(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def clip() -> Callable[[str], Clip]:
    def ensure(name: str) -> Clip:
        try:
            return clips.ensure(name)
        except MissingMedia as missing:
            unavailable(str(missing))
            raise

    return ensure
