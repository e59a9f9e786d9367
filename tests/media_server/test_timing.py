"""Clocks, repeats and rates on a virtual clock."""

from __future__ import annotations

import itertools

import pytest

from media_server.audio_order import AudioOrder
from media_server.bandwidth import CEILING, FLOOR, START, BandwidthEstimator
from media_server.clocks import SenderClock, StreamClock
from media_server.frames import EncodedFrame, TrackRole
from media_server.nack import MAX_AGE, MAX_MISSING, NackTracker
from media_server.rtp import RtpPacket
from media_server.timeline import RtpTimeline

SKEW = 5_000.0
"""The student's clock is this far ahead."""


def test_two_tracks_of_one_sender_share_a_clock_whatever_their_rtp_clocks_say() -> None:
    sender = SenderClock()
    video, audio = StreamClock(90_000, sender), StreamClock(48_000, sender)
    for second in range(5):
        at = 100.0 + second
        sender.observe(at + SKEW, at + 0.05)
        video.on_report(at + SKEW, (2**32 - 90_000 + second * 90_000) % 2**32)
        audio.on_report(at + SKEW + 0.2, 48_000 * second + 9_600)
    seen = video.captured_at(90_000 * 3, 104.5)
    heard = audio.captured_at(48_000 * 4, 104.9)
    assert seen == pytest.approx(104.05, abs=1e-3)
    assert heard == pytest.approx(104.05, abs=1e-3)


def test_the_offset_follows_the_quickest_report_and_never_jumps() -> None:
    sender = SenderClock()
    offsets = []
    for index, delay in enumerate([0.3, 0.05, 0.3, 0.04, 0.3, 0.3, 0.3]):
        sender.observe(index + SKEW, index + delay)
        assert sender.offset is not None
        offsets.append(sender.offset)
    steps = [after - before for before, after in itertools.pairwise(offsets)]
    assert all(-0.0051 < step <= 0.0051 for step in steps)
    assert offsets[-1] < offsets[0]


def test_a_clock_that_was_set_is_followed_at_once() -> None:
    sender = SenderClock()
    sender.observe(0.0, 10.0)
    sender.observe(3_600.0, 11.0)
    assert sender.offset == pytest.approx(-3_589.0)


def test_before_any_report_the_quickest_packet_sets_the_time() -> None:
    clock = StreamClock(90_000, SenderClock())
    arrivals = [(0, 10.2), (9_000, 10.15), (18_000, 10.5), (27_000, 10.36)]
    times = [clock.captured_at(stamp, at) for stamp, at in arrivals]
    assert times == [10.2, 10.2, pytest.approx(10.25), pytest.approx(10.35)]
    assert times == sorted(times)


def test_requests_are_repeated_until_the_packet_comes_or_is_of_no_use() -> None:
    nack = NackTracker()
    nack.received(1, 0.0)
    assert nack.received(4, 0.0)
    assert nack.due(0.0) == [2, 3]
    assert nack.due(0.01) == []
    assert nack.due(0.03) == [2, 3]
    assert not nack.received(2, 0.05, again=True)
    assert nack.round_trip == pytest.approx(0.05)
    assert nack.due(0.06) == []
    assert nack.due(0.1) == [3]
    assert nack.due(MAX_AGE + 0.1) == []
    assert (nack.recovered, nack.given_up, len(nack)) == (1, 1, 0)


def test_a_silence_is_asked_about_a_few_times_only() -> None:
    nack = NackTracker()
    nack.received(1, 0.0)
    nack.suspect_next(0.1)
    asked = sum(nack.due(at / 100) == [2] for at in range(10, 200))
    assert asked == 3
    assert (len(nack), nack.given_up) == (0, 0)
    nack.suspect_next(2.0)
    nack.due(2.0)
    assert not nack.received(2, 2.1), "it was merely late"
    assert nack.recovered == 0


def test_a_long_interruption_is_not_repaired_packet_by_packet() -> None:
    nack = NackTracker()
    nack.received(1, 0.0)
    nack.received(2 + 2 * MAX_MISSING, 1.0)
    assert nack.due(1.0) == []
    for sequence in range(2 + 2 * MAX_MISSING, 8 * MAX_MISSING, 2):
        nack.received(sequence, 1.0)
    assert len(nack) <= MAX_MISSING


def test_what_nobody_waits_for_is_not_asked_for() -> None:
    nack = NackTracker()
    nack.received(1, 0.0)
    nack.received(5, 0.0)
    nack.forget_below(4)
    assert nack.due(0.0) == [4]


def drive(
    estimator: BandwidthEstimator, seconds: float, sent: float, capacity: float, start: float = 0.0
) -> float:
    """Packets of 1000 bytes at `sent` bit/s through a link of `capacity` bit/s; the end time."""
    step, now, free = 8_000 / sent, start, start
    looked = start
    while now < start + seconds:
        free = max(now, free) + 8_000 / capacity
        arrived = 1_000_000.0 + free + 0.02
        estimator.add_bytes(1000)
        estimator.add_delay(int((now % 64) * 2**18) & 0xFFFFFF, arrived)
        if now - looked >= 0.25:
            looked = now
            estimator.update(arrived)
        now += step
    return now


def test_a_free_path_is_never_held_back() -> None:
    estimator = BandwidthEstimator()
    drive(estimator, 20, sent=600_000, capacity=5_000_000)
    assert START <= estimator.estimate <= CEILING


def test_a_growing_queue_lowers_the_estimate_below_what_the_path_carries() -> None:
    estimator = BandwidthEstimator()
    drive(estimator, 5, sent=600_000, capacity=300_000)
    assert FLOOR <= estimator.estimate < 300_000


def test_the_estimate_recovers_when_the_queue_is_gone() -> None:
    estimator = BandwidthEstimator()
    end = drive(estimator, 3, sent=600_000, capacity=300_000)
    low = estimator.estimate
    drive(estimator, 20, sent=200_000, capacity=5_000_000, start=end + 5)
    assert estimator.estimate > max(600_000, low) - 150_000


def sound(sequence: int) -> RtpPacket:
    return RtpPacket(111, False, sequence, sequence * 2_880, 1, b"x", 0.0)


def test_sound_is_put_in_order_and_never_waits_long() -> None:
    order = AudioOrder()
    out = [[p.sequence for p in order.add(s, sound(s))] for s in (1, 2, 4, 3, 5, 8, 9, 7, 10)]
    assert out == [[1], [2], [], [3, 4], [5], [], [8, 9], [], [10]]
    assert order.lost == 2


def frame(stamp: int, at: float, epoch: int = 1) -> EncodedFrame:
    return EncodedFrame(TrackRole.MAIN, "vp8", b"\x00", stamp, at, True, 1, 1, epoch)


def test_outgoing_time_grows_as_capture_time_does_whatever_the_source() -> None:
    timeline = RtpTimeline()
    first = frame(2**32 - 3_000, 10.0)
    timeline.join(first)
    sent = [timeline.stamp(first), timeline.stamp(frame(3_000, 10.0 + 6_000 / 90_000))]
    assert (sent[1] - sent[0]) % 2**32 == 6_000
    assert (sent[1] - timeline.offset) % 2**32 == 3_000
    other = frame(77, 12.0, epoch=2)
    timeline.join(other)
    sent.append(timeline.stamp(other))
    assert (sent[2] - sent[0]) % 2**32 == 180_000
    assert (sent[2] - timeline.offset) % 2**32 == 77


def test_a_source_from_the_past_is_put_right_behind_the_last_frame() -> None:
    timeline = RtpTimeline()
    timeline.join(frame(0, 100.0))
    last = timeline.stamp(frame(0, 100.0))
    newest = frame(500_000, 99.0)
    timeline.join(newest, room=3)
    past = [timeline.stamp_past(frame(0, 98.0), before) for before in (3, 2, 1)]
    times = [(stamp - last) % 2**32 for stamp in [*past, timeline.stamp(newest)]]
    assert times == [90, 180, 270, 360]
