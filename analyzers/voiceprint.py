"""Whose voice it is: the student's own voiceprint, given or learnt, and how far another voice is off.

Measured on real speakers with 1.6 s windows: the same voice ≥ 0.71, another one ≤ 0.67; the mean of
two windows parts them further. Similarities are cosines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SURELY_SAME, SURELY_OTHER = 0.80, 0.60
"""Scores run from 0 to 1 between these."""
_WINDOWS_TO_LEARN = 6
_CONSISTENT = 0.58
"""What is learnt must be one voice: any two windows at least this close."""


class VoiceEncoder(Protocol):
    def embed(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """256 numbers of length 1 for 1.6 s or more of speech."""


class OwnVoice:
    """Collects voiced samples of one student and tells, window by window, whether it is still them."""

    def __init__(self, encoder: VoiceEncoder, window: int, voiceprint: Sequence[float] | None = None) -> None:
        """`window`: samples the encoder wants at once; they overlap by half."""
        self._encoder = encoder
        self._window = window
        self._given = _unit(np.array(voiceprint, np.float32)) if voiceprint else None
        self._print = self._given
        self._heard: list[NDArray[np.int16]] = []
        self._count = 0
        self._learning: deque[NDArray[np.float32]] = deque(maxlen=_WINDOWS_TO_LEARN)
        self._recent: deque[NDArray[np.float32]] = deque(maxlen=2)

    @property
    def learnt(self) -> bool:
        return self._print is not None

    @property
    def voiceprint(self) -> list[float] | None:
        return None if self._print is None else [float(value) for value in self._print]

    @property
    def similarity(self) -> float | None:
        """Of what was said last to the own voice, -1 to 1; None before a whole window was heard."""
        if self._print is None or not self._recent:
            return None
        return float(_unit(np.mean(self._recent, axis=0)) @ self._print)

    def hear(self, voiced: NDArray[np.int16]) -> None:
        """Samples in which somebody speaks, pauses left out."""
        self._heard.append(voiced)
        self._count += len(voiced)
        while self._count >= self._window:
            run = np.concatenate(self._heard)
            self._take(self._encoder.embed(run[: self._window]))
            rest = run[self._window // 2 :]
            self._heard, self._count = [rest], len(rest)

    def pause(self) -> None:
        """It has been quiet: whoever speaks next is judged anew."""
        self._heard.clear()
        self._count = 0
        self._recent.clear()

    def reset(self) -> None:
        """Forget what was heard and learnt; a given voiceprint stays."""
        self.pause()
        self._learning.clear()
        self._print = self._given

    def _take(self, embedding: NDArray[np.float32]) -> None:
        if self._print is not None:
            self._recent.append(embedding)
            return
        self._learning.append(embedding)
        if len(self._learning) < _WINDOWS_TO_LEARN:
            return
        windows = np.stack(self._learning)
        if float((windows @ windows.T).min()) >= _CONSISTENT:
            self._print = _unit(windows.mean(axis=0))


def strangeness(similarity: float) -> float:
    """0: surely the own voice, 1: surely another."""
    return float(np.clip((SURELY_SAME - similarity) / (SURELY_SAME - SURELY_OTHER), 0.0, 1.0))


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return unit
