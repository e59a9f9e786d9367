"""Payloads and headers of VP8 and H.264, against what real encoders make and aiortc reads."""

from __future__ import annotations

import pytest
from aiortc.codecs import depayload
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import VpxPayloadDescriptor
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from hypothesis import given
from hypothesis import strategies as st

from media_server import h264
from media_server.codecs import (
    MAX_PAYLOAD,
    depacketize,
    is_keyframe,
    packetize,
    picture_size,
    vp8_descriptor,
)
from media_server.frames import Codec, EncodedFrame, TrackRole
from tests.support.clips import Clip, video_clip

CLIPS = [video_clip(), video_clip(codec="h264"), video_clip(642, 482, frames=3, kbps=2000, codec="h264")]
NAMES = ["vp8", "h264", "h264 cropped"]


def frame(codec: Codec, data: bytes) -> EncodedFrame:
    return EncodedFrame(TrackRole.MAIN, codec, data, 0, 0.0, False)


@pytest.mark.parametrize("clip", CLIPS, ids=NAMES)
def test_keyframes_and_their_size_are_told_from_the_bytes(clip: Clip) -> None:
    assert [is_keyframe(clip.codec, data) for data in clip.frames[:3]] == [True, False, False]  # type: ignore[arg-type]
    assert picture_size(clip.codec, clip.frames[0]) == (clip.width, clip.height)  # type: ignore[arg-type]


@pytest.mark.parametrize("clip", CLIPS, ids=NAMES)
def test_a_frame_cut_for_rtp_is_whole_again_when_put_together(clip: Clip) -> None:
    codec: Codec = clip.codec  # type: ignore[assignment]
    theirs = RTCRtpCodecParameters(mimeType=f"video/{codec.upper()}", clockRate=90_000, payloadType=96)
    for data in clip.frames:
        pieces = packetize(frame(codec, data))
        assert all(len(piece) <= MAX_PAYLOAD for piece in pieces)
        payloads = [
            vp8_descriptor(7, start=index == 0) + piece if codec == "vp8" else piece
            for index, piece in enumerate(pieces)
        ]
        ours = b"".join(depacketize(codec, payload).data for payload in payloads)
        assert ours == b"".join(depayload(theirs, payload) for payload in payloads)
        if codec == "vp8":
            assert ours == data
        else:
            assert list(h264.nal_units(ours)) == list(h264.nal_units(data))


def test_a_frame_is_cut_once_however_many_watch() -> None:
    one = frame("vp8", video_clip().frames[0])
    assert packetize(one) is packetize(one)
    assert packetize(frame("vp8", one.data)) is not packetize(one)


@pytest.mark.parametrize(
    ("start", "expected"), [(True, True), (False, False)], ids=["first packet", "later packet"]
)
def test_vp8_descriptors_say_where_a_frame_starts(start: bool, expected: bool) -> None:
    payload = vp8_descriptor(0x7FFF, start=start) + video_clip().frames[0][:50]
    descriptor, _ = VpxPayloadDescriptor.parse(payload)
    assert (descriptor.picture_id, descriptor.partition_start) == (0x7FFF, int(start))
    fragment = depacketize("vp8", payload)
    assert (fragment.starts_frame, fragment.starts_keyframe) == (expected, expected)


@pytest.mark.parametrize("picture_id", [None, 5, 5000])
@pytest.mark.parametrize("layered", [True, False])
def test_vp8_descriptors_of_every_length_are_skipped(picture_id: int | None, layered: bool) -> None:
    descriptor = VpxPayloadDescriptor(1, 0, picture_id)
    if layered:
        descriptor.tl0picidx, descriptor.tid, descriptor.keyidx = 3, (1, 0), 4
    assert depacketize("vp8", bytes(descriptor) + b"\x01rest").data == b"\x01rest"


def test_aggregated_nal_units_are_taken_apart() -> None:
    payloads = H264Encoder._packetize(h264.nal_units(CLIPS[1].frames[0]))
    assert any(payload[0] & 0x1F == 24 for payload in payloads), "aiortc aggregates the parameter sets"
    first = depacketize("h264", payloads[0])
    assert first.starts_keyframe
    whole = b"".join(depacketize("h264", payload).data for payload in payloads)
    assert list(h264.nal_units(whole)) == list(h264.nal_units(CLIPS[1].frames[0]))


@given(st.sampled_from(["vp8", "h264", "opus"]), st.binary(max_size=60))
def test_no_payload_from_outside_does_more_than_a_value_error(codec: Codec, payload: bytes) -> None:
    try:
        fragment = depacketize(codec, payload)
    except ValueError:
        return
    assert len(fragment.data) <= len(payload) * 4 + 4
    is_keyframe(codec, payload)
    picture_size(codec, payload)
