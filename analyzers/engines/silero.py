"""Silero's voice activity network (MIT): 512 samples at 16 kHz, preceded by 64 of context, 0.2 ms a step."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from analyzers.models import ModelStore

STEP = 512
_CONTEXT = 64
_RATE = np.array(16_000, np.int64)


class SileroStream:
    """One student's stream: a probability of voice for every 512 samples (32 ms)."""

    step = STEP

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self._state: NDArray[np.float32]
        self._context: NDArray[np.float32]
        self.reset()

    def probability(self, samples: NDArray[np.int16]) -> float:
        """0–1 for the next 512 samples."""
        signal = samples.astype(np.float32) / 32768.0
        window = np.concatenate([self._context, signal])
        feed = {"input": window[None], "state": self._state, "sr": _RATE}
        output, self._state = self._session.run(["output", "stateN"], feed)
        self._context = window[-_CONTEXT:]
        return float(output[0, 0])

    def reset(self) -> None:
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)


class Silero:
    """The shared weights; `stream()` a student."""

    def __init__(self, store: ModelStore) -> None:
        self._session = store.session("silero_vad", setting="speech")

    def stream(self) -> SileroStream:
        return SileroStream(self._session)
