"""WebRTC's voice activity detector (BSD): next to free, and fooled by typing and tones.

It decides whether anything is worth listening to; it raises an alert alone only where the settings
ask for it by name.
"""

from __future__ import annotations

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from core.samples import SAMPLE_RATE

STEP = 480
"""30 ms: the longest frame it takes."""


class WebRtcVadStream:
    """One student's stream: 0 or 1 for every 480 samples (30 ms)."""

    step = STEP

    def __init__(self, aggressiveness: int) -> None:
        self._aggressiveness = aggressiveness
        self.reset()

    def probability(self, samples: NDArray[np.int16]) -> float:
        """1.0 where the next 480 samples sound like voice, else 0.0."""
        return float(self._vad.is_speech(samples.tobytes(), SAMPLE_RATE))

    def reset(self) -> None:
        self._vad = webrtcvad.Vad(self._aggressiveness)


class WebRtcVad:
    """`aggressiveness` 0–3: how sure it must be; 1 as a gate, 3 as a judge."""

    def __init__(self, aggressiveness: int = 3) -> None:
        self._aggressiveness = aggressiveness

    def stream(self) -> WebRtcVadStream:
        return WebRtcVadStream(self._aggressiveness)
