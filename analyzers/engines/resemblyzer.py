"""Resemblyzer's GE2E speaker encoder (Apache-2.0): who is talking, as 256 numbers; 13 ms a window.

The front end is Slaney's mel power spectrum of librosa 0.x (25 ms windows every 10 ms, 40 bands,
no logarithm), in numpy.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from analyzers.models import ModelStore
from core.samples import SAMPLE_RATE

Voiceprint = NDArray[np.float32]
"""256 numbers, length 1: the cosine of two is their dot product."""

_FFT, _HOP, _BANDS = 400, 160, 40
_FRAMES = 160
WINDOW = _FRAMES * _HOP
"""Samples in one window: 1.6 s."""
_LOUDNESS_DBFS = -30.0


class Resemblyzer:
    def __init__(self, store: ModelStore) -> None:
        self._session = store.session("resemblyzer", setting="second_voice")

    def embed(self, samples: NDArray[np.int16]) -> Voiceprint:
        """The voice in at least 1.6 s of speech; windows overlap by half and are averaged."""
        if len(samples) < WINDOW:
            raise ValueError(f"wanted at least {WINDOW} samples, got {len(samples)}")
        mel = mel_power(_louder(samples.astype(np.float32) / 32768.0))
        starts = range(0, len(mel) - _FRAMES + 1, _FRAMES // 2)
        windows = np.stack([mel[start : start + _FRAMES] for start in starts])
        return normalised(self._session.run(["emb"], {"mel": windows})[0].mean(axis=0))


def normalised(vector: NDArray[np.float32]) -> Voiceprint:
    unit: Voiceprint = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return unit


def mel_power(signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """frames × 40, one frame every 10 ms."""
    padded = np.pad(signal, (_FFT // 2, _FFT // 2))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP]
    hann = np.hanning(_FFT + 1)[:-1]
    power = np.abs(np.fft.rfft(frames * hann, axis=1)) ** 2
    mel: NDArray[np.float32] = (power @ _bands().T).astype(np.float32)
    return mel


def _louder(signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Quiet speech is raised to -30 dBFS, as in training; loud speech is left alone."""
    level = 10 * np.log10(float(np.mean(signal**2)) + 1e-12)
    gain: float = 10 ** (max(0.0, _LOUDNESS_DBFS - level) / 20)
    return signal * np.float32(gain)


@cache
def _bands() -> NDArray[np.float64]:
    """40 triangles of equal area over the 201 bins up to 8 kHz, on Slaney's scale."""
    bins = np.linspace(0, SAMPLE_RATE / 2, _FFT // 2 + 1)
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(SAMPLE_RATE / 2), _BANDS + 2))
    widths = np.diff(edges)
    ramps = edges[:, None] - bins[None]
    triangles = np.maximum(0, np.minimum(-ramps[:-2] / widths[:-1, None], ramps[2:] / widths[1:, None]))
    bands: NDArray[np.float64] = triangles * (2 / (edges[2:] - edges[:-2]))[:, None]
    return bands


_LINEAR_HZ = 200 / 3
_KNEE_HZ, _KNEE_MEL = 1000.0, 15.0
_LOG_STEP = np.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    if hz < _KNEE_HZ:
        return hz / _LINEAR_HZ
    return float(_KNEE_MEL + np.log(hz / _KNEE_HZ) / _LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _KNEE_HZ * np.exp((mel - _KNEE_MEL) * _LOG_STEP)
    return np.where(mel < _KNEE_MEL, mel * _LINEAR_HZ, above)
