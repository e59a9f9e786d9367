"""Real packets of real encoders."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from analyzers.decode import AudioDecoder, Picture, VideoDecoder, signed_difference
from core.samples import SAMPLE_RATE

PTIME = 960
"""48 kHz ticks in a packet of 20 ms."""


def moving(n: int, width: int = 320, height: int = 240) -> av.VideoFrame:
    image = np.full((height, width, 3), 90, np.uint8)
    image[40:120, (n * 9) % (width - 60) : (n * 9) % (width - 60) + 60] = (20, 200, 250)
    return av.VideoFrame.from_ndarray(image, format="bgr24")


def encode(codec: str, count: int, width: int = 320, height: int = 240, gop: int = 10) -> list[av.Packet]:
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.framerate = 15
    context.time_base = Fraction(1, 15)
    context.gop_size = gop
    context.options = (
        {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
        if codec == "libvpx"
        else {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
    )
    packets = []
    for n in range(count):
        frame = moving(n, width, height)
        frame.pts = n
        packets += context.encode(frame)
    return packets + context.encode(None)


def feed(decoder: VideoDecoder, packets: list[av.Packet], *, skip: frozenset[int] = frozenset()) -> list[int]:
    """Numbers of the packets that gave a picture."""
    return [
        n
        for n, packet in enumerate(packets)
        if n not in skip
        and decoder.decode(bytes(packet), keyframe=packet.is_keyframe, at=n / 15, rtp_timestamp=n * 6000)
    ]


@pytest.fixture(scope="module")
def vp8() -> list[av.Packet]:
    return encode("libvpx", 30)


@pytest.mark.parametrize(("encoder", "codec"), [("libvpx", "vp8"), ("libx264", "h264")])
def test_every_packet_gives_its_picture(encoder: str, codec: str) -> None:
    packets = encode(encoder, 20)
    decoder = VideoDecoder(codec)
    assert feed(decoder, packets) == list(range(20))
    assert (decoder.errors, decoder.wants_keyframe) == (0, False)


def test_a_picture_knows_when_it_was_taken_and_looks_right(vp8: list[av.Packet]) -> None:
    decoder = VideoDecoder("vp8")
    picture = decoder.decode(bytes(vp8[0]), keyframe=True, at=12.5, rtp_timestamp=77)
    assert isinstance(picture, Picture)
    sample = picture.sample()
    assert (sample.at, sample.rtp_timestamp, sample.width, sample.height) == (12.5, 77, 320, 240)
    assert np.abs(sample.image[80, 30].astype(int) - (20, 200, 250)).max() < 40
    assert np.abs(sample.image[200, 200].astype(int) - 90).max() < 15


@pytest.mark.parametrize(
    ("size", "expected"), [((1280, 720), (640, 360)), ((480, 640), (360, 480)), ((160, 120), (160, 120))]
)
def test_pictures_fit_into_640x480_with_their_proportions(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    (packet, *_) = encode("libvpx", 1, *size)
    picture = VideoDecoder("vp8").decode(bytes(packet), keyframe=True, at=0.0)
    assert picture is not None
    sample = picture.sample()
    assert (sample.width, sample.height) == expected


def test_it_starts_at_a_keyframe(vp8: list[av.Packet]) -> None:
    decoder = VideoDecoder("vp8")
    assert feed(decoder, vp8, skip=frozenset({0})) == list(range(10, 30))


def test_after_an_interruption_it_waits_for_a_keyframe(vp8: list[av.Packet]) -> None:
    decoder = VideoDecoder("vp8")
    feed(decoder, vp8[:5])
    decoder.interrupt()
    assert decoder.wants_keyframe
    assert feed(decoder, vp8[5:]) == list(range(5, 25))


def test_broken_data_is_counted_and_mended_by_the_next_keyframe(vp8: list[av.Packet]) -> None:
    decoder = VideoDecoder("vp8")
    feed(decoder, vp8[:3])
    assert decoder.decode(b"\x00", keyframe=True, at=0.2) is None
    assert (decoder.errors, decoder.wants_keyframe) == (1, True)
    assert feed(decoder, vp8[10:]) == list(range(20))


def test_the_size_may_change_at_a_keyframe(vp8: list[av.Packet]) -> None:
    decoder = VideoDecoder("vp8")
    feed(decoder, vp8[:3])
    larger = decoder.decode(bytes(encode("libvpx", 1, 640, 480)[0]), keyframe=True, at=1.0)
    assert larger is not None
    assert larger.sample().width == 640


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(ValueError, match="av1"):
        VideoDecoder("av1")


def opus(seconds: float) -> list[bytes]:
    """A tone at 48 kHz, 20 ms a packet."""
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = 48_000, "mono", "s16"
    context.open()
    turns = 440 * np.arange(int(seconds * 48_000)) / 48_000
    tone = (9000 * np.sin(2 * np.pi * turns)).astype(np.int16)
    packets = []
    for start in range(0, len(tone) - PTIME + 1, PTIME):
        frame = av.AudioFrame.from_ndarray(tone[None, start : start + PTIME], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, start
        packets += [bytes(packet) for packet in context.encode(frame)]
    return packets


@pytest.fixture(scope="module")
def tone() -> list[bytes]:
    return opus(3.0)


def test_opus_becomes_half_seconds_of_16_khz(tone: list[bytes]) -> None:
    decoder = AudioDecoder()
    chunks = [
        chunk
        for n, data in enumerate(tone)
        for chunk in decoder.decode(data, at=100 + n * 0.02, rtp_timestamp=n * PTIME)
    ]
    assert [round(chunk.at, 3) for chunk in chunks[:4]] == [100.0, 100.5, 101.0, 101.5]
    assert {len(chunk.samples) for chunk in chunks} == {SAMPLE_RATE // 2}
    spectrum = np.abs(np.fft.rfft(chunks[2].samples.astype(float)))
    assert np.argmax(spectrum) * 2 == pytest.approx(440, abs=4)


def test_a_pause_of_the_sender_is_silence(tone: list[bytes]) -> None:
    decoder = AudioDecoder()
    start = 2**32 - 5 * PTIME  # and the timestamp wraps on the way
    chunks = []
    for n, data in enumerate(tone[:60]):
        late = 1.0 if n >= 25 else 0.0
        stamp = (start + n * PTIME + int(late * 48_000)) % 2**32
        chunks += decoder.decode(data, at=n * 0.02 + late, rtp_timestamp=stamp)
    assert [round(chunk.at, 2) for chunk in chunks] == [0.0, 0.5, 1.0, 1.5]
    loud = [float(np.abs(chunk.samples.astype(float)).mean()) > 1000 for chunk in chunks]
    assert loud == [True, False, False, True]


@pytest.mark.parametrize("jump", [30 * 48_000, -30 * 48_000])
def test_after_a_break_a_new_chunk_begins(tone: list[bytes], jump: int) -> None:
    decoder = AudioDecoder()
    for n in range(10):
        assert decoder.decode(tone[n], at=n * 0.02, rtp_timestamp=10**7 + n * PTIME) == []
    chunks = []
    for n in range(60):
        stamp = 10**7 + jump + n * PTIME
        chunks += decoder.decode(tone[n], at=50 + n * 0.02, rtp_timestamp=stamp)
    assert [round(chunk.at, 2) for chunk in chunks] == [50.0, 50.5]


def test_broken_sound_is_counted(tone: list[bytes]) -> None:
    decoder = AudioDecoder()
    assert decoder.decode(b"\xff\xff\xff", at=0.0, rtp_timestamp=0) == []
    assert decoder.errors == 1
    decoder.decode(tone[0], at=0.02, rtp_timestamp=PTIME)
    assert decoder.errors == 1


@pytest.mark.parametrize(
    ("one", "other", "expected"), [(5, 3, 2), (3, 5, -2), (1, 2**32 - 1, 2), (2**32 - 1, 1, -2)]
)
def test_differences_cross_the_wrap(one: int, other: int, expected: int) -> None:
    assert signed_difference(one, other) == expected
