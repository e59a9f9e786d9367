"""The contract every detector keeps.

A detector is plain and synchronous. It is given samples in order of time, one student's only, and
answers each with one observation for every kind it watches. It owns its per-student state and
nothing else: weights are shared (`analyzers.models`), threads and clocks live in the worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, TypeVar, runtime_checkable

from core.findings import Observation
from core.kinds import Kind
from core.samples import AudioChunk, ClientSignal, VideoSample

S = TypeVar("S", VideoSample, AudioChunk, ClientSignal, contravariant=True)


@runtime_checkable
class Detector(Protocol[S]):
    """`S` is what it looks at: VideoSample, AudioChunk or ClientSignal."""

    name: ClassVar[str]
    """Its name in settings, findings and the registry."""
    kinds: ClassVar[frozenset[Kind]]
    """The kinds it reports; an observation for each of them follows every sample."""

    def observe(self, sample: S) -> Sequence[Observation]:
        """Look at one sample. Never raises for what is in the sample; what it cannot measure it says."""

    def reset(self) -> None:
        """Forget what was seen (the stream broke); settings and calibration stay."""
