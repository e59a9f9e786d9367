"""Plays a reel into a peer connection's senders, in real time."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from core.tasks import cancel_and_wait
from media_server.frames import EncodedFrame, TrackRole
from media_server.sender import EncodedSender
from simulation.reel import Reel, Script, Strip

FALLEN_BEHIND_S = 1.0
"""A player that is later than this (the machine slept) leaves out what it missed."""


@dataclass(slots=True)
class _Track:
    role: TrackRole
    strip: Strip
    sender: EncodedSender | None = None
    tick: int = 0
    lag: int = 0
    """How many packets behind the script the track is, since somebody asked for a keyframe."""
    wanted: bool = True
    """A keyframe is asked for."""
    origin: int = field(default_factory=lambda: int.from_bytes(os.urandom(4), "big"))

    def due(self) -> float:
        """Seconds after the start of playing."""
        return self.tick * self.strip.step


class Player:
    """One student's playing of a reel. Peers come and go (`play_into`); the playing goes on.

    Asked for a keyframe it goes back to the latest one of the strip, at most two seconds, and from the
    next one on is where the script says again: a compressed clip can be joined at its keyframes only.
    """

    def __init__(self, reel: Reel, script: Script) -> None:
        self.reel = reel
        self.script = script
        self.started_at = time.time()
        """UNIX seconds of the clip's `script.offset_s`."""
        self.keyframes_asked = 0
        self.on_sent: Callable[[TrackRole, bytes], None] | None = None
        """Told of each packet as it leaves."""
        self._tracks = {role: _Track(role, strip) for role, strip in reel.strips.items()}
        self._task: asyncio.Task[None] | None = None

    @property
    def roles(self) -> tuple[TrackRole, ...]:
        return tuple(self._tracks)

    @property
    def position(self) -> float:
        """Where in the clip it is now, seconds."""
        return self.script.position(time.time() - self.started_at)

    def start(self) -> None:
        self.started_at = time.time()
        self._task = asyncio.create_task(self._play(), name="player")

    async def aclose(self) -> None:
        await cancel_and_wait(self._task)

    def play_into(self, senders: dict[TrackRole, EncodedSender]) -> None:
        """From now on into these; each starts at a keyframe."""
        for role, track in self._tracks.items():
            track.sender = sender = senders.get(role)
            track.wanted = True
            if sender is not None:
                sender.on_keyframe_needed = self._asker(track)

    def _asker(self, track: _Track) -> Callable[[], None]:
        def asked() -> None:
            self.keyframes_asked += 1
            track.wanted = True

        return asked

    async def _play(self) -> None:
        while True:
            track = min(self._tracks.values(), key=_Track.due)
            wait = self.started_at + track.due() - time.time()
            if wait > 0:
                await asyncio.sleep(wait)
            elif wait < -FALLEN_BEHIND_S:
                self._catch_up()
                continue
            self._send(track)
            track.tick += 1

    def _catch_up(self) -> None:
        elapsed = time.time() - self.started_at
        for track in self._tracks.values():
            track.tick = int(elapsed / track.strip.step) + 1
            track.wanted = True

    def _send(self, track: _Track) -> None:
        strip, sender = track.strip, track.sender
        if sender is None or not sender.ready:
            return
        nominal = strip.index_at(self.script.position(track.due()))
        keyframe = strip.latest_keyframe[nominal]
        if nominal == keyframe:
            track.lag = 0
        elif track.wanted:
            track.lag = nominal - keyframe
        track.wanted = False
        index = nominal - track.lag
        timestamp = (track.origin + round(track.due() * strip.clock_rate)) & 0xFFFFFFFF
        sender.push(
            EncodedFrame(
                track.role, strip.codec, strip.packets[index], timestamp,
                captured_at=self.started_at + track.due(), keyframe=index == strip.latest_keyframe[index],
            ),
            timestamp,
        )  # fmt: skip
        if self.on_sent is not None:
            self.on_sent(track.role, strip.packets[index])
