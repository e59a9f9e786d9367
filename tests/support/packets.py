"""The packets of a composed clip, as the media process would push them."""

from __future__ import annotations

from collections.abc import Iterator

import av
import pytest

from simulation.clips import Clip, ensure
from simulation.media import MissingMedia
from transport.messages import Packet


def clip_or_skip(name: str) -> Clip:
    try:
        return ensure(name)
    except MissingMedia as missing:
        pytest.skip(str(missing))


def packets(
    clip: Clip, attempt_id: str, *, begins_at: float, start: float = 0.0, end: float = 1e9
) -> Iterator[Packet]:
    """In order of capture; the clip's `start` (the keyframe before it, for pictures) is `begins_at`."""
    with av.open(str(clip.video)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        keyframes = [float(p.pts * p.time_base) for p in container.demux(video) if p.pts and p.is_keyframe]
    first = max((at for at in [0.0, *keyframes] if at <= start), default=0.0)
    with av.open(str(clip.video)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        for packet in container.demux(video, audio):
            if packet.pts is None or packet.time_base is None:
                continue
            at = float(packet.pts * packet.time_base)
            if not first <= at < end:
                continue
            is_video = packet.stream.type == "video"
            yield Packet(
                attempt_id=attempt_id,
                role="main" if is_video else "audio",
                codec="vp8" if is_video else "opus",
                rtp_timestamp=round(at * (90_000 if is_video else 48_000)) % 2**32,
                captured_at=begins_at + at - first,
                keyframe=packet.is_keyframe if is_video else True,
                data=bytes(packet),
            )
