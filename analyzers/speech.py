"""Sound: somebody speaks, somebody else speaks, something is loud.

A cheap gate (WebRTC's detector) decides whether the network is asked at all. The score of `speech` is
the mean probability of voice over the last second, so that a cough does not count and a pause between
words does. `second_voice` compares with the student's own voice, given at enrolment or learnt from
the first clear speech; until then it says that it has heard too little.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from analyzers.engines.resemblyzer import WINDOW, Resemblyzer
from analyzers.engines.silero import Silero
from analyzers.engines.webrtcvad import WebRtcVad
from analyzers.models import ModelStore
from analyzers.voiceprint import OwnVoice, VoiceEncoder, strangeness
from core.errors import EngineUnavailable
from core.findings import MEASURED, Blindness, Measurability, Observation
from core.kinds import Kind
from core.samples import SAMPLE_RATE, AudioChunk

_SMOOTHING_S = 1.0
_VOICED = 0.5
_GATE_HOLD_S = 0.5
"""The gate stays open this long after the last voice-like sound."""
_DEAD_S = 10.0
"""A live microphone never gives nothing but zeros for so long."""
_DEAD_LEVEL = 1
_QUIET_S = 1.5
"""After such a pause whoever speaks next is judged anew."""
_NOISE_FROM_DBFS, _NOISE_TO_DBFS = -36.0, -16.0
_MOSTLY_SPEECH = 0.3


class VoiceStream(Protocol):
    """One student's voice activity."""

    step: int
    """Samples it takes at a time."""

    def probability(self, samples: NDArray[np.int16]) -> float: ...
    def reset(self) -> None: ...


class VoiceEngine(Protocol):
    def stream(self) -> VoiceStream: ...


def load_voice_engine(name: str, store: ModelStore) -> VoiceEngine:
    """`silero` or `webrtcvad`. Raises EngineUnavailable."""
    match name:
        case "silero":
            return Silero(store)
        case "webrtcvad":
            return WebRtcVad()
    raise EngineUnavailable(setting="speech", engine=name, reason="choose silero or webrtcvad.")


class SpeechDetector:
    """Audio chunks of any length in order of time; half a second at a time is a good measure."""

    name: ClassVar[str] = "speech"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.SPEECH, Kind.SECOND_VOICE, Kind.NOISE})

    def __init__(
        self,
        engine: VoiceEngine,
        encoder: VoiceEncoder | None = None,
        voiceprint: Sequence[float] | None = None,
    ) -> None:
        """Without an encoder second voices are not told apart, and the detector says so."""
        self._activity = _Activity(engine.stream(), WebRtcVad(1).stream())
        self._own = OwnVoice(encoder, WINDOW, voiceprint) if encoder else None
        self._dead_s = 0.0
        self._quiet_s = _QUIET_S

    @classmethod
    def load(
        cls, store: ModelStore, engine: str = "silero", voiceprint: Sequence[float] | None = None
    ) -> SpeechDetector:
        return cls(load_voice_engine(engine, store), Resemblyzer(store), voiceprint)

    @property
    def voiceprint(self) -> list[float] | None:
        """The student's own voice as known by now."""
        return self._own.voiceprint if self._own else None

    def observe(self, sample: AudioChunk) -> Sequence[Observation]:
        if self._is_dead(sample):
            blind = Measurability(Blindness.NO_SOUND)
            return [self._say(sample, kind, 0.0, blind) for kind in sorted(self.kinds)]
        voiced = self._activity.push(sample.samples)
        speech = self._activity.score
        self._listen(voiced, sample.seconds)
        level = level_dbfs(sample.samples)
        return [
            self._say(sample, Kind.SPEECH, speech, level_dbfs=round(level, 1)),
            self._second_voice(sample),
            self._say(sample, Kind.NOISE, _loudness(level, speech), level_dbfs=round(level, 1)),
        ]

    def reset(self) -> None:
        self._activity.reset()
        if self._own:
            self._own.pause()
        self._dead_s = 0.0
        self._quiet_s = _QUIET_S

    def _is_dead(self, sample: AudioChunk) -> bool:
        silent = len(sample.samples) == 0 or int(np.abs(sample.samples.astype(np.int32)).max()) <= _DEAD_LEVEL
        self._dead_s = self._dead_s + sample.seconds if silent else 0.0
        return self._dead_s >= _DEAD_S

    def _listen(self, voiced: NDArray[np.int16], seconds: float) -> None:
        if len(voiced):
            self._quiet_s = 0.0
            if self._own:
                self._own.hear(voiced)
            return
        self._quiet_s += seconds
        if self._quiet_s >= _QUIET_S and self._own:
            self._own.pause()

    def _second_voice(self, sample: AudioChunk) -> Observation:
        unsure = Measurability(Blindness.TOO_LITTLE_SPEECH)
        if self._own is None or not self._own.learnt:
            return self._say(sample, Kind.SECOND_VOICE, 0.0, unsure)
        if self._quiet_s >= _QUIET_S:
            return self._say(sample, Kind.SECOND_VOICE, 0.0)
        similarity = self._own.similarity
        if similarity is None:
            return self._say(sample, Kind.SECOND_VOICE, 0.0, unsure)
        return self._say(sample, Kind.SECOND_VOICE, strangeness(similarity), similarity=round(similarity, 2))

    def _say(
        self,
        sample: AudioChunk,
        kind: Kind,
        score: float,
        measurable: Measurability = MEASURED,
        **facts: float,
    ) -> Observation:
        at = sample.at + sample.seconds
        return Observation(at, self.name, kind, score, measurable, attributes=facts)


class _Activity:
    """Voice activity over a moving second, behind the gate."""

    def __init__(self, stream: VoiceStream, gate: VoiceStream) -> None:
        self._stream = stream
        self._gate = gate
        self._probabilities: deque[float] = deque(maxlen=round(_SMOOTHING_S * SAMPLE_RATE / stream.step))
        self._rest: NDArray[np.int16]
        self._gate_rest: NDArray[np.int16]
        self.reset()

    @property
    def score(self) -> float:
        """Mean probability over the last second; what has not been heard yet counts as silence."""
        return float(np.clip(sum(self._probabilities) / (self._probabilities.maxlen or 1), 0.0, 1.0))

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """The voiced part of what has come in."""
        opened = self._listen_at_gate(samples)
        self._rest = np.concatenate([self._rest, samples])
        step = self._stream.step
        voiced = []
        while len(self._rest) >= step:
            frame, self._rest = self._rest[:step], self._rest[step:]
            probability = self._stream.probability(frame) if opened else 0.0
            self._probabilities.append(probability)
            if probability > _VOICED:
                voiced.append(frame)
        return np.concatenate(voiced) if voiced else np.zeros(0, np.int16)

    def reset(self) -> None:
        self._stream.reset()
        self._gate.reset()
        self._probabilities.clear()
        self._rest = np.zeros(0, np.int16)
        self._gate_rest = np.zeros(0, np.int16)
        self._open_s = 0.0

    def _listen_at_gate(self, samples: NDArray[np.int16]) -> bool:
        """Whether the network should listen to these samples; it starts fresh when the gate opens."""
        self._gate_rest = np.concatenate([self._gate_rest, samples])
        step, heard = self._gate.step, False
        while len(self._gate_rest) >= step:
            frame, self._gate_rest = self._gate_rest[:step], self._gate_rest[step:]
            heard = self._gate.probability(frame) > 0 or heard
        was_open = self._open_s > 0
        self._open_s = _GATE_HOLD_S if heard else max(0.0, self._open_s - len(samples) / SAMPLE_RATE)
        if self._open_s > 0 and not was_open:
            self._stream.reset()
        return self._open_s > 0


def level_dbfs(samples: NDArray[np.int16]) -> float:
    """Root mean square below full scale, -96 to 0."""
    power = float(np.mean((samples.astype(np.float32) / 32768.0) ** 2)) if len(samples) else 0.0
    return max(-96.0, 10 * math.log10(power + 1e-12))


def _loudness(level: float, speech: float) -> float:
    """0–1: loud, and not because somebody speaks."""
    if speech >= _MOSTLY_SPEECH:
        return 0.0
    return float(np.clip((level - _NOISE_FROM_DBFS) / (_NOISE_TO_DBFS - _NOISE_FROM_DBFS), 0.0, 1.0))
