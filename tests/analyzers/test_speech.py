"""Real voices through the real networks."""

from __future__ import annotations

import wave
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from analyzers.base import Detector
from analyzers.dwell import Dwell
from analyzers.models import ModelStore
from analyzers.speech import SpeechDetector, level_dbfs, load_voice_engine
from core.errors import EngineUnavailable
from core.findings import Blindness, Finding, Observation, Phase
from core.kinds import Kind
from core.samples import SAMPLE_RATE, AudioChunk
from simulation.media import MissingMedia, ensure

Sound = NDArray[np.int16]


def spoken(name: str, start: float, end: float) -> Sound:
    try:
        path = ensure(name)
    except MissingMedia as missing:
        pytest.skip(str(missing))
    with wave.open(str(path)) as file:
        assert file.getframerate() == SAMPLE_RATE
        everything = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        return everything[:: file.getnchannels()][int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]


@pytest.fixture(scope="module")
def store() -> ModelStore:
    return ModelStore()


@pytest.fixture(scope="module")
def student() -> Sound:
    return spoken("voice-1", 0, 20)


@pytest.fixture(scope="module")
def student_later() -> Sound:
    return spoken("voice-1", 30, 42)


@pytest.fixture(scope="module")
def stranger() -> Sound:
    return spoken("voice-2", 130, 140)


def hiss(seconds: float, amplitude: float = 60.0) -> Sound:
    noise = np.random.default_rng(1).standard_normal(int(seconds * SAMPLE_RATE)) * amplitude
    return noise.clip(-32768, 32767).astype(np.int16)


def tone(seconds: float) -> Sound:
    return (6000 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE)).astype(
        np.int16
    )


def typing(seconds: float) -> Sound:
    sound = hiss(seconds).astype(np.float64)
    click = np.random.default_rng(2).standard_normal(400) * 6000 * np.exp(-np.arange(400) / 60)
    for start in range(0, len(sound) - 400, int(0.18 * SAMPLE_RATE)):
        sound[start : start + 400] += click
    return sound.clip(-32768, 32767).astype(np.int16)


def observe(detector: SpeechDetector, *sounds: Sound) -> Iterator[Sequence[Observation]]:
    track = np.concatenate(sounds)
    for start in range(0, len(track) - 7999, 8000):
        yield detector.observe(AudioChunk(start / SAMPLE_RATE, track[start : start + 8000]))


def found(detector: SpeechDetector, *sounds: Sound) -> list[Finding]:
    dwell = Dwell()
    return [finding for seen in observe(detector, *sounds) for finding in dwell.feed(seen)]


def starts(findings: list[Finding]) -> dict[Kind, float]:
    return {finding.kind: finding.at for finding in findings if finding.phase is Phase.START}


def last(observations: Sequence[Observation], kind: Kind) -> Observation:
    return next(one for one in observations if one.kind is kind)


def test_it_keeps_the_contract(store: ModelStore) -> None:
    detector = SpeechDetector.load(store)
    assert isinstance(detector, Detector)
    seen = detector.observe(AudioChunk(5.0, hiss(0.5)))
    assert {one.kind for one in seen} == detector.kinds
    assert {one.at for one in seen} == {5.5}


@pytest.mark.parametrize("engine", ["silero", "webrtcvad"])
def test_speech_is_said_within_two_seconds(store: ModelStore, student: Sound, engine: str) -> None:
    findings = found(SpeechDetector.load(store, engine), hiss(5), student)
    assert 5.0 < starts(findings)[Kind.SPEECH] <= 7.0


def test_it_ends_when_it_is_quiet_again(store: ModelStore, student: Sound) -> None:
    findings = found(SpeechDetector.load(store), hiss(2), student, hiss(5))
    ends = [f for f in findings if f.kind is Kind.SPEECH and f.phase is Phase.END]
    assert len(ends) == 1
    assert ends[0].ended_at is not None
    assert abs(ends[0].ended_at - 22.0) < 1.5


@pytest.mark.parametrize("sound", [hiss(10), typing(10), tone(10), hiss(10, 3000)])
def test_what_is_no_speech_is_not_taken_for_it(store: ModelStore, sound: Sound) -> None:
    assert Kind.SPEECH not in starts(found(SpeechDetector.load(store), sound))


def test_loud_noise_is_noise_and_speech_is_not(store: ModelStore, student: Sound) -> None:
    assert starts(found(SpeechDetector.load(store), hiss(3), hiss(5, 8000))).keys() == {Kind.NOISE}
    assert Kind.NOISE not in starts(found(SpeechDetector.load(store), student))
    assert Kind.NOISE not in starts(found(SpeechDetector.load(store), typing(10)))


def test_another_voice_after_the_own_one_was_learnt(
    store: ModelStore, student: Sound, student_later: Sound, stranger: Sound
) -> None:
    detector = SpeechDetector.load(store)
    assert Kind.SECOND_VOICE not in starts(found(detector, student, hiss(3), student_later))
    findings = found(detector, hiss(3), stranger)
    assert starts(findings)[Kind.SECOND_VOICE] < 3.0 + 4.0


def test_an_enrolled_voiceprint_needs_no_learning(store: ModelStore, student: Sound, stranger: Sound) -> None:
    learner = SpeechDetector.load(store)
    list(observe(learner, student))
    assert learner.voiceprint is not None
    enrolled = SpeechDetector.load(store, voiceprint=learner.voiceprint)
    assert Kind.SECOND_VOICE in starts(found(enrolled, stranger))


def test_two_voices_in_turn_are_not_learnt_as_one(store: ModelStore, student: Sound, stranger: Sound) -> None:
    detector = SpeechDetector.load(store)
    turn = 3 * SAMPLE_RATE
    list(observe(detector, student[:turn], stranger[:turn], student[turn : 2 * turn]))
    assert detector.voiceprint is None


def test_before_it_knows_the_voice_it_says_so(store: ModelStore, student: Sound) -> None:
    detector = SpeechDetector.load(store)
    early, *_, late = observe(detector, student)
    assert last(early, Kind.SECOND_VOICE).measurable.reason is Blindness.TOO_LITTLE_SPEECH
    assert last(late, Kind.SECOND_VOICE).measurable.ok


def test_a_dead_microphone_is_not_silence(store: ModelStore) -> None:
    nothing = np.zeros(12 * SAMPLE_RATE, np.int16)
    *_, seen = observe(SpeechDetector.load(store), nothing)
    assert {one.measurable.reason for one in seen} == {Blindness.NO_SOUND}
    *_, seen = observe(SpeechDetector.load(store), hiss(12))
    assert last(seen, Kind.SPEECH).measurable.ok


def test_reset_keeps_the_learnt_voice_and_forgets_the_moment(store: ModelStore, student: Sound) -> None:
    detector = SpeechDetector.load(store)
    *_, seen = observe(detector, student[: 10 * SAMPLE_RATE])
    assert last(seen, Kind.SPEECH).score > 0.3
    before = detector.voiceprint
    detector.reset()
    (seen,) = observe(detector, hiss(0.5))
    assert last(seen, Kind.SPEECH).score < 0.1
    assert detector.voiceprint == before


@pytest.mark.parametrize("length", [0, 1, 160, 960, 8000, 48000])
def test_chunks_of_any_length(store: ModelStore, length: int) -> None:
    seen = SpeechDetector.load(store).observe(AudioChunk(0.0, hiss(4)[:length]))
    assert len(seen) == 3


def test_chunk_length_does_not_change_what_is_heard(store: ModelStore, student: Sound) -> None:
    def score(size: int) -> float:
        detector = SpeechDetector.load(store)
        for start in range(0, 5 * SAMPLE_RATE, size):
            seen = detector.observe(AudioChunk(start / SAMPLE_RATE, student[start : start + size]))
        return last(seen, Kind.SPEECH).score

    assert score(960) == pytest.approx(score(8000), abs=0.1)


def test_levels() -> None:
    assert level_dbfs(np.zeros(100, np.int16)) == -96.0
    assert level_dbfs(np.full(100, 32767, np.int16)) == pytest.approx(0.0, abs=0.01)


def test_an_unknown_engine_stops_with_a_sentence(store: ModelStore) -> None:
    with pytest.raises(EngineUnavailable, match="speech = whisper"):
        load_voice_engine("whisper", store)
