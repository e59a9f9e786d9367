from __future__ import annotations

from analyzers.inbox import MAX_WAITING, Gap, Inbox
from transport.messages import FeedEnded, Packet


def packet(attempt_id: str, role: str, number: int) -> Packet:
    codec = "opus" if role == "audio" else "vp8"
    return Packet(attempt_id, role, codec, number, float(number), number == 0, b"x")  # type: ignore[arg-type]


def test_what_goes_in_comes_out_in_order_and_once() -> None:
    inbox = Inbox()
    items = [packet("a", "main", 0), FeedEnded("b"), packet("a", "audio", 1), packet("b", "main", 2)]
    for item in items:
        inbox.put(item)
    assert inbox.take() == items
    assert inbox.take() == []
    assert inbox.dropped == 0


def test_video_that_waits_too_long_is_dropped_whole_and_marked() -> None:
    inbox = Inbox()
    most = MAX_WAITING["main"]
    for number in range(most + 1):
        inbox.put(packet("a", "main", number))
    assert inbox.take() == [Gap("a"), packet("a", "main", most)]
    assert inbox.dropped == most


def test_one_student_does_not_crowd_out_another_nor_sound_picture() -> None:
    inbox = Inbox()
    inbox.put(packet("b", "main", 0))
    inbox.put(packet("a", "audio", 0))
    for number in range(MAX_WAITING["main"] + 1):
        inbox.put(packet("a", "main", number))
    kept = inbox.take()
    assert packet("b", "main", 0) in kept
    assert packet("a", "audio", 0) in kept


def test_sound_that_waits_too_long_is_dropped_without_a_mark() -> None:
    inbox = Inbox()
    for number in range(MAX_WAITING["audio"] + 1):
        inbox.put(packet("a", "audio", number))
    assert inbox.take() == [packet("a", "audio", MAX_WAITING["audio"])]


def test_memory_is_bounded_whatever_comes() -> None:
    inbox = Inbox()
    for number in range(10_000):
        inbox.put(packet("a", "main", number))
    assert len(inbox.take()) <= 2 * MAX_WAITING["main"]


def test_messages_are_never_dropped() -> None:
    inbox = Inbox()
    for number in range(500):
        inbox.put(FeedEnded(str(number)))
    assert len(inbox.take()) == 500


def test_screens_are_not_looked_at() -> None:
    inbox = Inbox()
    inbox.put(packet("a", "screen", 0))
    assert inbox.take() == []
