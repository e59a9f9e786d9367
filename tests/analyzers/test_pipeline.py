"""One student's pipeline with detectors of the test's own: known answers, counted looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from analyzers.dwell_rules import DEFAULT_RULES, DwellRule
from analyzers.models import ModelStore
from analyzers.pipeline import StudentPipeline
from analyzers.registry import Panel, Placed, build
from analyzers.settings import VisionSettings
from core.findings import Blindness, Box, Measurability, Observation, Phase
from core.kinds import Kind
from core.samples import AudioChunk, VideoSample

Score = Callable[[float], float | Blindness]


class Scripted:
    """Says what the script says at that time."""

    name: ClassVar[str] = "objects"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.PHONE})

    def __init__(self, script: Score) -> None:
        self._script = script
        self.looks: list[float] = []
        self.resets = 0

    def observe(self, sample: VideoSample | AudioChunk) -> Sequence[Observation]:
        self.looks.append(sample.at)
        said = self._script(sample.at)
        if isinstance(said, Blindness):
            return [Observation(sample.at, self.name, Kind.PHONE, 0.0, Measurability(said))]
        box = Box(0.1, 0.1, 0.3, 0.3, "phone", said)
        return [Observation(sample.at, self.name, Kind.PHONE, said, boxes=(box,))]

    def reset(self) -> None:
        self.resets += 1


class Eager(Scripted):
    """Asks to look at everything, whatever its rate."""

    name: ClassVar[str] = "identity"

    def wants(self, sample: VideoSample) -> bool:
        return True


class Ears(Scripted):
    name: ClassVar[str] = "speech"
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.SPEECH})


@pytest.fixture(scope="module")
def real_panel() -> Panel:
    return build(VisionSettings(), ModelStore())


def panel(real: Panel, *placed: Placed) -> Panel:
    """The watch is a real one: it is asked for what was drawn last."""
    real.watch.reset()
    return Panel(placed, real.watch)


def picture(at: float) -> VideoSample:
    return VideoSample(at, np.zeros((48, 64, 3), np.uint8))


def play(pipeline: StudentPipeline, start: float, seconds: float, fps: int = 15) -> list[Any]:
    found = []
    for n in range(round(seconds * fps)):
        at = start + n / fps
        if pipeline.due(at):
            found += pipeline.look(picture(at))
        found += pipeline.tick(at)
    return found


def test_detectors_look_at_their_rates_and_findings_come_out(real_panel: Panel) -> None:
    phone = Scripted(lambda at: 0.9 if at >= 5 else 0.0)
    pipeline = StudentPipeline(panel(real_panel, Placed(phone, 1.0)))
    found = play(pipeline, 0.0, 10.0)
    assert len([at for at in phone.looks if at < 5]) == 5
    assert found[0].phase is Phase.START
    assert found[0].at - 5.0 < 2.5


def test_suspicion_makes_it_look_more_often(real_panel: Panel) -> None:
    phone = Scripted(lambda at: 0.9)
    pipeline = StudentPipeline(panel(real_panel, Placed(phone, 1.0)))
    play(pipeline, 0.0, 10.0)
    assert len(phone.looks) > 20


def test_a_detector_that_asks_looks_whenever_anybody_does(real_panel: Panel) -> None:
    eager, other = Eager(lambda at: 0.0), Scripted(lambda at: 0.0)
    pipeline = StudentPipeline(panel(real_panel, Placed(other, 2.0), Placed(eager, 0.01)))
    play(pipeline, 0.0, 5.0)
    assert eager.looks == other.looks
    assert len(eager.looks) >= 10


def test_an_overloaded_process_looks_at_nothing_more_and_says_so(real_panel: Panel) -> None:
    phone = Scripted(lambda at: 0.0)
    pipeline = StudentPipeline(panel(real_panel, Placed(phone, 1.0)))
    pipeline.schedule.shed({"objects": 0.0})
    play(pipeline, 0.0, 5.0)
    assert phone.looks == []
    assert pipeline.sight(5.0).blind == {"objects": Blindness.OVERLOADED}


def test_blind_is_never_clear(real_panel: Panel) -> None:
    script: Score = lambda at: 0.9 if at < 5 else Blindness.TOO_DARK  # noqa: E731
    pipeline = StudentPipeline(panel(real_panel, Placed(Scripted(script), 2.0)))
    found = play(pipeline, 0.0, 9.0)
    assert {one.phase for one in found} == {Phase.START}
    assert pipeline.sight(9.0).blind == {"objects": Blindness.TOO_DARK}


def test_no_picture_and_no_sound_are_said(real_panel: Panel) -> None:
    pipeline = StudentPipeline(
        panel(
            real_panel, Placed(Scripted(lambda at: 0.0), 1.0), Placed(Ears(lambda at: 0.0), 0.0, AudioChunk)
        )
    )
    assert pipeline.sight(0.0).blind == {"objects": Blindness.NO_PICTURE, "speech": Blindness.NO_SOUND}
    pipeline.look(picture(1.0))
    pipeline.listen(AudioChunk(0.5, np.zeros(8000, np.int16)))
    assert pipeline.sight(1.5).blind == {}
    assert pipeline.sight(10.0).blind == {"objects": Blindness.NO_PICTURE, "speech": Blindness.NO_SOUND}


def test_pictures_that_nobody_has_time_for_are_no_missing_pictures(real_panel: Panel) -> None:
    pipeline = StudentPipeline(panel(real_panel, Placed(Scripted(lambda at: 0.0), 1.0)))
    for at in range(10):
        pipeline.arrived(float(at))
        waited = at > 3
        assert pipeline.sight(float(at)).blind == ({"objects": Blindness.OVERLOADED} if waited else {})
    pipeline.look(picture(9.0))
    assert pipeline.sight(9.5).blind == {}
    assert pipeline.sight(20.0).blind == {"objects": Blindness.NO_PICTURE}


def test_sound_goes_to_those_who_listen_and_pictures_to_those_who_see(real_panel: Panel) -> None:
    eyes, ears = Scripted(lambda at: 0.0), Ears(lambda at: 0.0)
    pipeline = StudentPipeline(panel(real_panel, Placed(eyes, 1.0), Placed(ears, 0.0, AudioChunk)))
    pipeline.look(picture(1.0))
    pipeline.listen(AudioChunk(2.0, np.zeros(8000, np.int16)))
    assert (eyes.looks, ears.looks) == ([1.0], [2.0])


def test_what_is_drawn_is_fresh_and_strong_enough(real_panel: Panel) -> None:
    script: Score = lambda at: 0.8 if at < 2 else 0.1  # noqa: E731
    pipeline = StudentPipeline(panel(real_panel, Placed(Scripted(script), 1.0)))
    pipeline.look(picture(1.0))
    assert [box.label for box in pipeline.drawing(1.5).boxes] == ["phone"]
    assert pipeline.drawing(4.0).boxes == ()
    pipeline.look(picture(3.0))
    assert pipeline.drawing(3.0).boxes == ()


def test_a_kind_that_is_switched_off_is_never_found(real_panel: Panel) -> None:
    pipeline = StudentPipeline(
        panel(real_panel, Placed(Scripted(lambda at: 0.9), 2.0)), kinds_off=frozenset({Kind.PHONE})
    )
    assert play(pipeline, 0.0, 5.0) == []
    assert pipeline.sight(5.0).scores == {}


def test_thresholds_decide(real_panel: Panel) -> None:
    rules = {**DEFAULT_RULES, Kind.PHONE: DwellRule(enter=0.95, exit=0.5)}
    pipeline = StudentPipeline(panel(real_panel, Placed(Scripted(lambda at: 0.9), 2.0)), rules=rules)
    assert play(pipeline, 0.0, 5.0) == []


def test_an_interruption_resets_detectors_and_keeps_findings(real_panel: Panel) -> None:
    phone = Scripted(lambda at: 0.9)
    pipeline = StudentPipeline(panel(real_panel, Placed(phone, 2.0)))
    play(pipeline, 0.0, 5.0)
    pipeline.interrupt()
    assert phone.resets == 1
    assert pipeline.open == {Kind.PHONE}
    assert pipeline.due(5.01)


def test_another_profile_takes_over_what_is_open(real_panel: Panel) -> None:
    before = StudentPipeline(panel(real_panel, Placed(Scripted(lambda at: 0.9), 2.0)))
    (start, *_) = play(before, 0.0, 5.0)
    after = StudentPipeline(panel(real_panel, Placed(Scripted(lambda at: 0.0), 2.0)))
    after.adopt(before)
    (end, *_) = play(after, 5.0, 5.0)
    assert (end.id, end.phase) == (start.id, Phase.END)


def test_closing_ends_everything(real_panel: Panel) -> None:
    pipeline = StudentPipeline(panel(real_panel, Placed(Scripted(lambda at: 0.9), 2.0)))
    play(pipeline, 0.0, 5.0)
    assert [one.attributes["ended"] for one in pipeline.close(6.0)] == ["closed"]
    assert pipeline.open == frozenset()
