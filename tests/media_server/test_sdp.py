"""What is changed in session descriptions, on the kind of lines Chromium writes."""

from __future__ import annotations

from aiortc.sdp import SessionDescription

from media_server.sdp import long_audio_packets, slim, strip_mdns

OFFER = (
    "\r\n".join(
        """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=mid:0
a=rtcp-mux
a=sendrecv
a=extmap:14 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 103 104 107 108 45 46
c=IN IP4 0.0.0.0
a=candidate:1 1 udp 2122260223 10.0.0.7 50000 typ host generation 0
a=candidate:2 1 udp 2122260223 0b7d.local 50001 typ host generation 0
a=end-of-candidates
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=mid:1
a=rtcp-mux
a=sendonly
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:98 VP9/90000
a=rtcp-fb:98 nack
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98
a=rtpmap:103 H264/90000
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:104 rtx/90000
a=fmtp:104 apt=103
a=rtpmap:107 H264/90000
a=fmtp:107 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f
a=rtpmap:108 rtx/90000
a=fmtp:108 apt=107
a=rtpmap:45 AV1/90000
a=rtpmap:46 rtx/90000
a=fmtp:46 apt=45
a=ssrc-group:FID 1 2
a=ssrc:1 cname:x
a=ssrc:2 cname:x
""".splitlines()
    )
    + "\r\n"
)


def test_only_codecs_and_extensions_we_use_are_kept() -> None:
    before, after = SessionDescription.parse(OFFER), SessionDescription.parse(slim(OFFER))
    audio, video = after.media
    assert [codec.payloadType for codec in audio.rtp.codecs] == [111]
    assert [codec.payloadType for codec in video.rtp.codecs] == [96, 97, 103, 104]
    assert video.fmt == [96, 97, 103, 104]
    assert [extension.id for extension in video.rtp.headerExtensions] == [2, 4]
    assert [extension.id for extension in audio.rtp.headerExtensions] == [4]
    assert [line.ssrc for line in video.ssrc] == [1, 2]
    assert [media.rtp.muxId for media in after.media] == [media.rtp.muxId for media in before.media]
    assert video.direction == "sendonly" and video.ice == before.media[1].ice
    assert slim(slim(OFFER)) == slim(OFFER)


def test_a_section_with_nothing_we_know_is_left_to_be_refused() -> None:
    strange = OFFER.replace("VP8", "VP9").replace("H264", "H265").replace("opus", "opal")
    assert slim(strange) == strange


def test_hidden_candidates_and_the_end_mark_go_and_the_others_are_counted() -> None:
    stripped, left = strip_mdns(OFFER)
    assert left == 1
    assert "10.0.0.7" in stripped
    assert ".local" not in stripped and "end-of-candidates" not in stripped


def test_long_packets_are_asked_for_in_sections_of_sound_only() -> None:
    answer = long_audio_packets(OFFER)
    audio, video = SessionDescription.parse(answer).media
    opus = audio.rtp.codecs[0]
    assert opus.parameters == {"minptime": 60, "useinbandfec": 1, "usedtx": "1"}
    assert answer.count("a=ptime:60\r\n") == answer.count("a=maxptime:60\r\n") == 1
    assert answer.index("ptime:60") < answer.index("m=video")
    assert len(video.rtp.codecs) == 10
    assert long_audio_packets(answer) == answer
