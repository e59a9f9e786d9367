"""Real weights and real pictures for the detectors' tests."""

from tests.support.vision import engines, enrol, film, picture, sample, store, upstream, watch

__all__ = ["engines", "enrol", "film", "picture", "sample", "store", "upstream", "watch"]
