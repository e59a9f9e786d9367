"""Tables of packets: what leaves, when, and what never does."""

from __future__ import annotations

import random

import pytest

from media_server.assembler import MAX_PACKETS, AssembledFrame, FrameAssembler
from media_server.codecs import Fragment


class Stream:
    """Frames of so many packets, keyframes where marked; packets are fed by sequence number."""

    def __init__(self, *sizes: tuple[int, bool], first: int = 65_530) -> None:
        self.assembler = FrameAssembler()
        self.packets: dict[int, tuple[int, bool, Fragment]] = {}
        sequence = first
        for index, (size, key) in enumerate(sizes):
            for part in range(size):
                fragment = Fragment(f"{index}.{part} ".encode(), part == 0, part == 0 and key)
                self.packets[sequence] = (index * 6000, part == size - 1, fragment)
                sequence += 1
        self.numbers = list(self.packets)

    def feed(self, *indexes: int, now: float = 0.0) -> list[int]:
        """Indexes of the frames that leave for these packets (by index)."""
        out: list[AssembledFrame] = []
        for index in indexes:
            sequence = self.numbers[index]
            out += self.assembler.add(sequence, *self.packets[sequence], now)
        for frame in out:
            assert frame.data.count(b" ") == sum(p[0] == frame.timestamp for p in self.packets.values())
        return [frame.timestamp // 6000 for frame in out]


KEY, DELTA = True, False


def test_frames_leave_as_soon_as_their_last_packet_is_there() -> None:
    stream = Stream((3, KEY), (1, DELTA), (2, DELTA))
    assert [stream.feed(index) for index in range(6)] == [[], [], [0], [1], [], [2]]


def test_packets_that_overtook_each_other_are_put_in_order() -> None:
    stream = Stream((3, KEY), (2, DELTA), (2, DELTA))
    assert stream.feed(0, 2, 1) == [0]
    assert stream.feed(5, 6, 4) == []
    assert stream.feed(3) == [1, 2]


def test_a_hole_holds_back_until_it_is_filled() -> None:
    stream = Stream((1, KEY), (2, DELTA), (1, DELTA), (1, DELTA))
    assert stream.feed(0, now=1.0) == [0]
    assert stream.assembler.blocked_since is None
    assert stream.feed(1, 3, 4, now=2.0) == []
    assert stream.assembler.blocked_since == 2.0
    assert stream.feed(2, now=3.0) == [1, 2, 3]
    assert stream.assembler.blocked_since is None
    assert stream.assembler.dropped == 0


def test_a_whole_keyframe_behind_a_hole_is_jumped_to() -> None:
    stream = Stream((1, KEY), (2, DELTA), (1, DELTA), (2, KEY), (1, DELTA))
    assert stream.feed(0, 1, 3, 4) == [0]
    assert stream.feed(5) == [3]
    assert stream.assembler.dropped == 2
    assert stream.feed(2) == [], "too late"
    assert stream.feed(6) == [4]


def test_a_broken_keyframe_is_not_jumped_to() -> None:
    stream = Stream((1, KEY), (2, DELTA), (3, KEY))
    assert stream.feed(0, 1, 3, 5) == [0]
    assert stream.feed(4) == [2]


def test_nothing_leaves_before_the_first_keyframe() -> None:
    stream = Stream((2, DELTA), (1, DELTA), (2, KEY), (1, DELTA))
    assert stream.feed(0, 1, 2) == []
    assert stream.assembler.needs_keyframe
    assert stream.feed(3, 4, 5) == [2, 3]


def test_a_first_keyframe_that_came_out_of_order_is_used() -> None:
    stream = Stream((3, KEY), (1, DELTA))
    assert stream.feed(1, 2, 3) == []
    assert stream.feed(0) == [0, 1]


def test_duplicates_change_nothing() -> None:
    stream = Stream((2, KEY), (2, DELTA))
    assert stream.feed(0, 0, 1, 1, 0, 2, 2, 3, 3) == [0, 1]


def test_padding_between_frames_is_no_frame() -> None:
    assembler = FrameAssembler()
    empty = Fragment(b"", False, False)
    assert len(assembler.add(10, 0, True, Fragment(b"k", True, True), 0.0)) == 1
    assert assembler.add(11, 0, False, empty, 0.0) == []
    assert len(assembler.add(12, 6000, True, Fragment(b"d", True, False), 0.0)) == 1
    assert assembler.dropped == 0


def test_what_cannot_be_repaired_is_bounded_and_ends_at_the_next_keyframe() -> None:
    sizes = [(1, KEY), (2, DELTA), *[(1, DELTA)] * (2 * MAX_PACKETS), (2, KEY), (1, DELTA)]
    stream = Stream(*sizes)
    assert stream.feed(0) == [0]
    assert stream.feed(1, *range(3, 2 * MAX_PACKETS)) == []
    assert len(stream.assembler._held) <= MAX_PACKETS
    assert stream.assembler.needs_keyframe
    last = len(stream.numbers) - 1
    assert stream.feed(last - 2, last - 1, last) == [len(sizes) - 2, len(sizes) - 1]


@pytest.mark.parametrize("seed", range(20))
def test_under_any_loss_only_decodable_frames_leave_and_in_order(seed: int) -> None:
    """Decodable: a keyframe, or the frame right after the last one that left."""
    rng = random.Random(seed)
    sizes = [(rng.randint(1, 6), index == 0 or rng.random() < 0.05) for index in range(300)]
    stream = Stream(*sizes)
    order = [index for index in range(len(stream.numbers)) if rng.random() > 0.02]
    for _ in range(60):
        at = rng.randrange(len(order) - 4)
        order[at], order[at + 3] = order[at + 3], order[at]
    left = stream.feed(*order)
    assert len(left) > 20
    for before, after in zip([None, *left], left, strict=False):
        assert sizes[after][1] or after == (before or 0) + 1
