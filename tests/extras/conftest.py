"""Tests of optional packages; `make test-extras` runs each in an environment of its own."""

from tests.support.vision import engines, picture, store

__all__ = ["engines", "picture", "store"]
