"""Packets of composed clips into the analysis core, on a virtual clock; everything else is real."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import av
import cv2
import numpy as np
import pytest

from analyzers.classroom import Classroom
from analyzers.enrolment import EnrolmentRefused
from analyzers.inbox import Gap
from analyzers.perception import Perception
from config.settings import AnalysisSettings
from core.errors import BadSettings, EngineUnavailable
from core.findings import Blindness, Phase
from core.kinds import Kind
from core.samples import VideoSample
from tests.support.packets import clip_or_skip, packets
from transport.messages import (
    AnnotatedPacket,
    AnnotatedWanted,
    AnyMessage,
    EmbedFace,
    FeedEnded,
    FindingReport,
    ForgetStudent,
    KeyframeWanted,
    Overlay,
    Packet,
    Sight,
    StudentProfile,
    Thumbnail,
    WantOverlay,
)

START = 1_700_000_000.0
M = TypeVar("M", bound=AnyMessage)


@pytest.fixture(scope="module")
def perception() -> Perception:
    return Perception()


@dataclass
class Desk:
    """A classroom with a clock that follows the packets, and what it has said."""

    perception: Perception
    now: float = START
    said: list[AnyMessage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.room = Classroom(self.perception, self.said.append, lambda: self.now)

    def play(self, name: str, *, start: float, end: float, attempt_id: str = "a") -> None:
        clip = clip_or_skip(name)
        for packet in packets(clip, attempt_id, begins_at=self.now, start=start, end=end):
            self.push(packet)

    def push(self, packet: Packet) -> None:
        self.now = max(self.now, packet.captured_at + 0.03)
        self.room.take(packet)
        while self.room.work():
            continue
        self.room.tick()

    def wait(self, seconds: float) -> None:
        for _ in range(int(seconds * 2)):
            self.now += 0.5
            self.room.tick()

    def heard(self, kind: type[M]) -> list[M]:
        return [message for message in self.said if isinstance(message, kind)]

    def findings(self, kind: Kind) -> list[FindingReport]:
        return [one for one in self.heard(FindingReport) if one.finding.kind is kind]


@pytest.fixture
def desk(perception: Perception) -> Desk:
    desk = Desk(perception)
    desk.room.take(StudentProfile("a"))
    return desk


def picture(data: bytes) -> np.ndarray:
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded


def test_a_phone_is_reported_with_a_picture_of_it(desk: Desk) -> None:
    desk.play("phone", start=8, end=15)
    start, *_ = desk.findings(Kind.PHONE)
    assert start.finding.phase is Phase.START
    assert {box.label for box in start.finding.boxes} == {"phone"}
    assert start.evidence_jpeg is not None
    assert picture(start.evidence_jpeg).shape == (480, 640, 3)


def test_somebody_leaves_and_comes_back(desk: Desk) -> None:
    desk.play("absent", start=0, end=26)
    phases = [one.finding.phase for one in desk.findings(Kind.NO_FACE)]
    assert phases[0] is Phase.START
    assert phases[-1] is Phase.END
    assert phases.count(Phase.START) == 1


def test_overlays_come_only_while_wanted_and_match_a_frame(desk: Desk) -> None:
    desk.play("normal", start=0, end=2)
    assert desk.heard(Overlay) == []
    desk.room.take(WantOverlay("a", wanted=True))
    desk.play("normal", start=0, end=2)
    overlays = desk.heard(Overlay)
    assert 4 <= len(overlays) <= 16
    assert {box.label for box in overlays[-1].boxes} == {"face"}
    assert len(overlays[-1].points) > 20
    stamps = {p.rtp_timestamp for p in packets(clip_or_skip("normal"), "a", begins_at=0.0, end=2)}
    assert {overlay.rtp_timestamp for overlay in overlays} <= stamps
    desk.room.take(WantOverlay("a", wanted=False))
    desk.play("normal", start=0, end=2)
    assert len(desk.heard(Overlay)) == len(overlays)


def test_sight_says_what_runs_and_what_is_not_measured(desk: Desk) -> None:
    desk.play("normal", start=0, end=8)
    sight = desk.heard(Sight)[-1]
    assert set(sight.running) == {"faces", "identity", "gaze", "objects", "scene", "speech"}
    assert sight.blind["identity"] is Blindness.NOT_ENROLLED
    assert sight.blind["second_voice"] is Blindness.TOO_LITTLE_SPEECH
    assert "faces" not in sight.blind
    assert 1.5 < sight.looks_per_second["faces"] < 5
    assert sight.scores["no_face"] < 0.3


def test_without_packets_nothing_is_an_all_clear(desk: Desk) -> None:
    desk.play("phone", start=8, end=14)
    desk.wait(16)
    sight = desk.heard(Sight)[-1]
    assert {sight.blind[name] for name in ("faces", "objects", "scene")} == {Blindness.NO_PICTURE}
    assert sight.blind["speech"] is Blindness.NO_SOUND
    end = desk.findings(Kind.PHONE)[-1].finding
    assert (end.phase, end.attributes["ended"]) == (Phase.END, "could_not_measure")


def test_a_thumbnail_every_ten_seconds(desk: Desk) -> None:
    desk.play("normal", start=0, end=12)
    thumbnails = desk.heard(Thumbnail)
    assert len(thumbnails) == 2
    assert picture(thumbnails[0].jpeg).shape == (120, 160, 3)


def test_the_annotated_track_is_encoded_on_demand_and_plays(desk: Desk) -> None:
    desk.play("normal", start=0, end=1)
    assert desk.heard(AnnotatedPacket) == []
    desk.room.take(AnnotatedWanted("a", wanted=True))
    desk.play("normal", start=0, end=3)
    sent = desk.heard(AnnotatedPacket)
    assert 20 <= len(sent) <= 33
    assert [packet.keyframe for packet in sent[:3]] == [True, False, False]
    decoder = av.CodecContext.create("vp8", "r")
    frames = [frame for packet in sent for frame in decoder.decode(av.Packet(packet.data))]
    assert len(frames) == len(sent)
    assert (frames[0].width, frames[0].height) == (640, 480)
    desk.room.take(KeyframeWanted("a", "annotated"))
    desk.play("normal", start=0, end=1)
    assert any(packet.keyframe for packet in desk.heard(AnnotatedPacket)[len(sent) :])
    desk.room.take(AnnotatedWanted("a", wanted=False))
    count = len(desk.heard(AnnotatedPacket))
    desk.play("normal", start=0, end=1)
    assert len(desk.heard(AnnotatedPacket)) == count


def test_the_annotated_track_may_be_wanted_before_the_student_is_known(perception: Perception) -> None:
    desk = Desk(perception)
    desk.room.take(AnnotatedWanted("a", wanted=True))
    desk.room.take(StudentProfile("a"))
    desk.play("normal", start=0, end=1)
    assert desk.heard(AnnotatedPacket)


def test_it_asks_for_a_keyframe_where_it_cannot_begin(desk: Desk) -> None:
    stream = [p for p in packets(clip_or_skip("normal"), "a", begins_at=START, end=3) if p.role == "main"]
    for packet in stream[1:]:
        if not packet.keyframe:
            desk.push(packet)
    asked = desk.heard(KeyframeWanted)
    assert 2 <= len(asked) <= 4
    assert {(one.attempt_id, one.role) for one in asked} == {("a", "main")}


@pytest.mark.parametrize("break_", [Gap("a"), FeedEnded("a")])
def test_after_a_break_it_waits_for_a_keyframe(desk: Desk, break_: Gap | FeedEnded) -> None:
    desk.play("normal", start=0, end=2)
    decoded = desk.room.counters()["frames.decoded"]
    desk.now += 2
    desk.room.take(break_)
    assert len(desk.heard(KeyframeWanted)) == 1
    stream = [p for p in packets(clip_or_skip("normal"), "a", begins_at=desk.now, end=2) if p.role == "main"]
    for packet in stream[1:10]:
        desk.push(packet)
    assert desk.room.counters()["frames.decoded"] == decoded
    desk.push(stream[0])
    assert desk.room.counters()["frames.decoded"] == decoded + 1


def test_two_students_are_looked_at_alike(desk: Desk) -> None:
    desk.room.take(StudentProfile("b"))
    clip = clip_or_skip("normal")
    streams = [*packets(clip, "a", begins_at=START, end=5), *packets(clip, "b", begins_at=START, end=5)]
    for packet in sorted(streams, key=lambda one: one.captured_at):
        desk.push(packet)
    desk.wait(6)
    rates = {
        one.attempt_id: one.looks_per_second["faces"]
        for one in desk.heard(Sight)
        if not one.blind.get("faces")
    }
    assert rates.keys() == {"a", "b"}
    assert abs(rates["a"] - rates["b"]) <= 0.5


def test_packets_of_somebody_unknown_are_counted(desk: Desk) -> None:
    desk.play("normal", start=0, end=0.5, attempt_id="stranger")
    assert desk.room.counters()["packets.unknown"] > 5
    assert desk.heard(FindingReport) == []


def test_a_forgotten_student_leaves_nothing_open(desk: Desk) -> None:
    desk.play("phone", start=8, end=14)
    desk.room.take(ForgetStudent("a"))
    end = desk.findings(Kind.PHONE)[-1].finding
    assert (end.phase, end.attributes["ended"]) == (Phase.END, "closed")
    count = len(desk.said)
    desk.play("normal", start=0, end=1)
    assert len(desk.said) == count
    assert desk.room.counters()["students"] == 0


def test_a_profile_that_changes_goes_on_with_what_was_found(desk: Desk) -> None:
    desk.play("phone", start=8, end=14)
    desk.room.take(StudentProfile("a", detectors_off=["gaze"]))
    desk.play("phone", start=14, end=24)
    assert [one.finding.phase for one in desk.findings(Kind.PHONE)].count(Phase.START) == 1
    assert desk.findings(Kind.PHONE)[-1].finding.phase is Phase.END
    assert "gaze" not in desk.heard(Sight)[-1].running


def test_accommodations_switch_off_detectors_and_kinds(perception: Perception) -> None:
    desk = Desk(perception)
    desk.room.take(StudentProfile("a", detectors_off=["faces", "phone"]))
    desk.play("phone", start=8, end=14)
    assert desk.findings(Kind.PHONE) == []
    assert "faces" not in desk.heard(Sight)[-1].running
    assert "phone" not in desk.heard(Sight)[-1].scores
    assert "book" in desk.heard(Sight)[-1].scores


@pytest.mark.parametrize("profile", [StudentProfile("a", detectors_off=["mind-reading"]),
                                     StudentProfile("a", thresholds={"phone": 2.0}),
                                     StudentProfile("a", calibration={"yaw_deg": 1.0})])  # fmt: skip
def test_a_senseless_profile_is_refused_and_changes_nothing(desk: Desk, profile: StudentProfile) -> None:
    with pytest.raises(BadSettings):
        desk.room.take(profile)
    desk.play("normal", start=0, end=1)
    assert desk.room.counters()["frames.decoded"] > 10


def test_an_enrolled_face_is_recognised_and_another_is_not(perception: Perception) -> None:
    jpeg = clip_or_skip("other").enrolment.read_bytes()
    desk = Desk(perception)
    answer = desk.room.take(EmbedFace(jpeg))
    assert answer is not None
    assert len(answer.embedding) == 128
    assert 0 < answer.quality <= 1
    assert answer.box.area > 0.02
    desk.room.take(StudentProfile("a", face_embeddings=[answer.embedding]))
    desk.play("other", start=0, end=16)
    start = desk.findings(Kind.IDENTITY_MISMATCH)[0].finding
    assert 11 < start.at - START < 15
    assert "identity" not in desk.heard(Sight)[1].blind


def test_what_is_no_picture_cannot_be_enrolled(desk: Desk) -> None:
    with pytest.raises(EnrolmentRefused, match="not a picture"):
        desk.room.take(EmbedFace(b"nonsense"))


def test_a_detector_that_fails_is_replaced_and_it_is_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.play("phone", start=8, end=14)
    pipeline = desk.room._students["a"].pipeline

    def fail(sample: VideoSample) -> None:
        raise RuntimeError("a detector is broken")

    monkeypatch.setattr(pipeline, "look", fail)
    desk.play("normal", start=0, end=1)
    blind = [one.blind for one in desk.heard(Sight) if Blindness.CRASHED in one.blind.values()]
    assert blind
    assert desk.findings(Kind.PHONE)[-1].finding.phase is Phase.END
    assert desk.room.counters()["crashes"] == 1
    desk.play("normal", start=0, end=2)
    assert desk.heard(Sight)[-1].blind.get("faces") is None


def test_an_engine_that_cannot_load_stops_the_start() -> None:
    with pytest.raises(EngineUnavailable, match="yolox"):
        Perception(AnalysisSettings(objects="yolox"))


def test_settings_that_name_no_detector_stop_the_start() -> None:
    with pytest.raises(BadSettings, match="horoscope"):
        Perception(AnalysisSettings(detectors={"horoscope": True}))
