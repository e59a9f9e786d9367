"""Our parser and packers against aiortc's, which others wrote."""

from __future__ import annotations

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import (
    HeaderExtensionsMap,
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)
from aiortc.rtp import RtpPacket as TheirPacket
from hypothesis import given
from hypothesis import strategies as st

from media_server.rtp import (
    ABS_SEND_TIME_URI,
    MID_URI,
    ExtensionIds,
    from_ntp,
    pack_abs_send_time,
    pack_bye,
    pack_header,
    pack_nacks,
    pack_pli,
    pack_receiver_report,
    pack_remb,
    pack_sender_report,
    parse_rtp,
    to_ntp,
    unwrap,
)
from media_server.stream_stats import StreamStats

EXTENSIONS = [
    RTCRtpHeaderExtensionParameters(id=4, uri=MID_URI),
    RTCRtpHeaderExtensionParameters(id=2, uri=ABS_SEND_TIME_URI),
]


def their_map() -> HeaderExtensionsMap:
    extensions = HeaderExtensionsMap()
    extensions.configure(RTCRtpParameters(headerExtensions=EXTENSIONS))
    return extensions


def test_a_packet_with_everything_is_taken_apart() -> None:
    packet = TheirPacket(97, 1, 65_535, 2**32 - 1, 0xDEADBEEF, b"payload")
    packet.csrc = [1, 2]
    packet.padding_size = 5
    packet.extensions.mid = "main"
    packet.extensions.abs_send_time = 0x123456
    parsed = parse_rtp(packet.serialize(their_map()), 7.0)
    ids = ExtensionIds.of(EXTENSIONS)
    assert (parsed.payload_type, parsed.marker, parsed.sequence) == (97, True, 65_535)
    assert (parsed.timestamp, parsed.ssrc, parsed.payload) == (2**32 - 1, 0xDEADBEEF, b"payload")
    assert parsed.extension(ids.mid) == b"main"
    assert parsed.extension(ids.abs_send_time) == bytes.fromhex("123456")
    assert parsed.extension(9) is None


def test_two_byte_extensions_are_read() -> None:
    packet = TheirPacket(97, 0, 1, 2, 3, b"x")
    packet.extensions.mid = "a mid of more than sixteen characters"
    assert parse_rtp(packet.serialize(their_map()), 0.0).extension(4) == packet.extensions.mid.encode()


@given(st.binary(max_size=80))
def test_no_bytes_from_outside_do_more_than_a_value_error(data: bytes) -> None:
    try:
        packet = parse_rtp(data, 0.0)
    except ValueError:
        return
    assert len(packet.payload) <= len(data)


@pytest.mark.parametrize("now", [0.0, 63.999, 1_795_389_779.4187305])
def test_what_we_write_they_read(now: float) -> None:
    head = pack_header(96, True, 40_000, 123_456_789, 42, extended=True)
    packet = TheirPacket.parse(head + pack_abs_send_time(2, now) + b"data", their_map())
    assert (packet.payload_type, packet.marker, packet.sequence_number) == (96, 1, 40_000)
    assert (packet.timestamp, packet.ssrc, packet.payload) == (123_456_789, 42, b"data")
    assert packet.extensions.abs_send_time == int(now * 2**18) % 2**24


@given(st.sets(st.integers(65_000, 66_500), min_size=1))
def test_nacks_name_every_lost_packet_across_the_wrap(lost: set[int]) -> None:
    told: list[int] = []
    for data in pack_nacks(1, 2, sorted(lost), most=20):
        (packet,) = RtcpPacket.parse(data)
        assert isinstance(packet, RtcpRtpfbPacket) and (packet.ssrc, packet.media_ssrc) == (1, 2)
        told += [sequence & 0xFFFF for sequence in packet.lost]  # aiortc's parser does not wrap
    assert sorted(told) == sorted(sequence & 0xFFFF for sequence in lost)


def test_no_nack_without_a_loss() -> None:
    assert pack_nacks(1, 2, []) == []


def test_feedback_and_reports_read_as_meant() -> None:
    stats = StreamStats(90_000)
    block = stats.report_block(77, 0x11112222, 0.5)
    compound = (
        pack_sender_report(5, to_ntp(1_700_000_000.25), 99, 2**32 + 3, 12)
        + pack_receiver_report(6, [block])
        + pack_pli(7, 8)
        + pack_remb(9, 1_234_567, [10, 11])
        + pack_bye(12)
    )
    report, received, pli, remb, bye = RtcpPacket.parse(compound)
    assert isinstance(report, RtcpSrPacket) and report.sender_info.packet_count == 3
    assert from_ntp(report.sender_info.ntp_timestamp) == pytest.approx(1_700_000_000.25, abs=1e-6)
    assert isinstance(received, RtcpRrPacket) and received.reports[0].ssrc == 77
    assert (received.reports[0].lsr, received.reports[0].dlsr) == (0x11112222, 32_768)
    assert isinstance(pli, RtcpPsfbPacket) and (pli.fmt, pli.ssrc, pli.media_ssrc) == (1, 7, 8)
    assert isinstance(remb, RtcpPsfbPacket)
    bitrate, ssrcs = unpack_remb_fci(remb.fci)
    assert ssrcs == [10, 11] and bitrate == pytest.approx(1_234_567, rel=1e-4)
    assert isinstance(bye, RtcpByePacket) and bye.sources == [12]


@given(st.integers(0, 2**20), st.integers(-(2**15) + 1, 2**15 - 1))
def test_unwrapping_finds_the_nearest_number(reference: int, step: int) -> None:
    assert unwrap((reference + step) & 0xFFFF, reference, 16) == reference + step


def test_loss_and_order_are_counted_across_the_wrap() -> None:
    stats = StreamStats(90_000)
    sequences = [65_533, 65_534, 0, 1, 65_535, 3]
    extended = [
        stats.add(parse_rtp(pack_header(96, False, seq, seq, 1, extended=False) + b"x", seq / 1000))
        for seq in sequences
    ]
    assert [number - extended[0] for number in extended] == [0, 1, 3, 4, 2, 6]
    assert (stats.received, stats.expected, stats.lost) == (6, 7, 1)
    block = stats.report_block(1, 0, 0.0)
    assert block[4] == int(255 / 7)
    assert stats.report_block(1, 0, 0.0)[4] == 0, "a new interval"
