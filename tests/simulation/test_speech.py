from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.samples import SAMPLE_RATE
from simulation import speech
from simulation.media import MissingMedia
from simulation.speech import mixed, room_tone, voice


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("INVIGIL_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    voice.cache_clear()
    yield
    voice.cache_clear()


def loudness(sound: speech.Sound) -> float:
    return float(np.sqrt((sound.astype(np.float64) ** 2).mean()))


def test_without_recordings_a_synthesiser_speaks_with_two_voices(offline: None) -> None:
    if not shutil.which("espeak-ng"):
        pytest.skip("espeak-ng is not installed")
    one, two = voice(1), voice(2)
    assert len(one) > 15 * SAMPLE_RATE
    assert len(two) > 12 * SAMPLE_RATE
    shorter = min(len(one), len(two))
    assert loudness(one[:shorter] - two[:shorter]) > 500


def test_without_either_it_says_what_is_missing(offline: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingMedia, match=r"voice-1 \(one person talking"):
        voice(1)


def test_a_part_is_heard_from_its_second_on_and_ends_with_the_bed() -> None:
    part = np.full(2 * SAMPLE_RATE, 1000, np.int16)
    sound = mixed(room_tone(3), (2.0, part))
    assert len(sound) == 3 * SAMPLE_RATE
    assert loudness(sound[: 2 * SAMPLE_RATE]) < 60
    assert loudness(sound[2 * SAMPLE_RATE :]) > 900


def test_loud_is_cut_not_wrapped() -> None:
    loud = np.full(SAMPLE_RATE, 30_000, np.int16)
    assert mixed(loud, (0.0, loud)).min() == 32_767
