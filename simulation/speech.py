"""Voices: recordings of real people, or espeak-ng where they cannot be had. 16 kHz, mono."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.samples import SAMPLE_RATE
from simulation.media import MissingMedia, ensure

Sound = NDArray[np.int16]
LOUDNESS = 2600
"""Root mean square of a voice in a microphone: about −22 dB below full scale."""
_RECORDINGS = {1: ("voice-1", 0.0, 60.0), 2: ("voice-2", 130.0, 160.0)}
"""voice: file, from and to which second one person talks alone."""
_SYNTHETIC = {1: ("en-us", 150, 45), 2: ("en-gb", 170, 80)}
"""voice: espeak-ng's voice, words a minute, pitch."""
_TEXT = (
    "I think the second question is about the difference between mitosis and meiosis. "
    "Wait, let me read it again. Which of these describes the process in which the number of "
    "chromosomes is halved? It must be the third answer, but I am not sure about that. "
    "Could you look it up for me, please? Page forty two, I believe, at the bottom. "
)


@cache
def voice(number: int) -> Sound:
    """Half a minute or more of somebody talking; 1 and 2 are different people.

    Raises MissingMedia where neither the recording nor espeak-ng can be had.
    """
    try:
        name, start, end = _RECORDINGS[number]
        sound = read_wav(ensure(name))[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]
    except MissingMedia:
        if not shutil.which("espeak-ng"):
            raise
        sound = _spoken(*_SYNTHETIC[number])
    return _levelled(sound)


def read_wav(path: Path) -> Sound:
    """A 16 kHz, 16-bit, mono file; raises ValueError for another."""
    with wave.open(str(path), "rb") as file:
        if (file.getframerate(), file.getsampwidth(), file.getnchannels()) != (SAMPLE_RATE, 2, 1):
            raise ValueError(f"{path.name} is not 16 kHz, 16 bit, mono")
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def room_tone(seconds: float) -> Sound:
    """A quiet room: the hiss of a cheap microphone, and a fan."""
    count = round(seconds * SAMPLE_RATE)
    random = np.random.default_rng(3)
    hum = np.sin(np.arange(count) * 2 * np.pi * 100 / SAMPLE_RATE) * 8
    return np.asarray(random.normal(0, 22, count) + hum, np.int16)


def clatter(seconds: float) -> Sound:
    """Things fall over: loud bursts without a voice in them."""
    count = round(seconds * SAMPLE_RATE)
    random = np.random.default_rng(5)
    envelope = np.zeros(count)
    for start in np.arange(0.1, seconds, 0.45):
        rest = np.arange(count - int(start * SAMPLE_RATE))
        envelope[int(start * SAMPLE_RATE) :] += np.exp(-rest / (0.12 * SAMPLE_RATE))
    return np.asarray((random.normal(0, 1, count) * envelope * 9000).clip(-32000, 32000), np.int16)


def mixed(bed: Sound, *parts: tuple[float, Sound]) -> Sound:
    """The bed with each part added at its second; parts end where the bed ends."""
    total = bed.astype(np.int32)
    for start, part in parts:
        first = round(start * SAMPLE_RATE)
        room = len(total) - first
        total[first : first + len(part)] += part[:room]
    return np.asarray(total.clip(-32768, 32767), np.int16)


def _levelled(sound: Sound) -> Sound:
    loud = np.abs(sound.astype(np.float64))
    talking = loud[loud > loud.mean()]
    return np.asarray((sound * (LOUDNESS / np.sqrt((talking**2).mean()) * 1.6)).clip(-32768, 32767), np.int16)


def _spoken(name: str, words_a_minute: int, pitch: int) -> Sound:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "speech.wav"
        subprocess.run(
            ["espeak-ng", "-v", name, "-s", str(words_a_minute), "-p", str(pitch), "-w", str(out), _TEXT * 2],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        with wave.open(str(out), "rb") as file:
            rate = file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    at = np.arange(0, len(samples), rate / SAMPLE_RATE)
    return np.asarray(np.interp(at, np.arange(len(samples)), samples), np.int16)
