"""How long frames and alerts take, measured where they are sent and where they arrive.

A forwarded frame arrives as the very bytes that were sent: the same hash of the same student's data
finds the moment it left. Sender and receiver are this process, so both moments are of one clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from analyzers.browser import BrowserDetector
from core.kinds import Category
from media_server.frames import EncodedFrame, TrackRole
from simulation.client import SimulatedStudent
from simulation.watcher import Heard, SimulatedWatcher

_RECENT_S = 5.0
"""Clips repeat: what left longer ago than this was another round's frame."""


class Stopwatch:
    """Listens to a load's students and watchers; read `forward_ms`, `alert_ms`, `onset_ms`."""

    def __init__(self, students: list[SimulatedStudent], watchers: list[SimulatedWatcher]) -> None:
        self.forward_ms: list[float] = []
        """From the student's socket to the watcher's."""
        self.alert_ms: list[float] = []
        """From the capture of the picture or sound that completed the finding to a proctor's socket."""
        self.signal_ms: list[float] = []
        """From a browser signal's arrival to a proctor's socket."""
        self.onset_ms: list[float] = []
        """From the first evidence: with the dwell time."""
        self._students = students
        self._left: dict[tuple[str, int], float] = {}
        self.running = False
        for student in students:
            student.player.on_sent = self._sender(student)
        for watcher in watchers:
            watcher.on_frame = self._arrived
            watcher.on_event = self._heard

    def _sender(self, student: SimulatedStudent) -> Callable[[TrackRole, bytes], None]:
        def sent(role: TrackRole, data: bytes) -> None:
            if role is TrackRole.LOW and self.running:
                self._left[student.attempt_id, hash(data)] = time.time()

        return sent

    def _arrived(self, attempt_id: str, frame: EncodedFrame) -> None:
        now = time.time()
        left = self._left.pop((attempt_id, hash(frame.data)), None)
        if left is not None and now - left < _RECENT_S:
            self.forward_ms.append((now - left) * 1000)

    def _heard(self, heard: Heard) -> None:
        payload = heard.event.payload
        if not self.running or heard.event.event != "incident.opened":
            return
        if payload["category"] == Category.TECHNICAL.value:
            return
        noticed_ms = (heard.at - payload["attributes"]["noticed_at"]) * 1000
        if payload["kind"] in BrowserDetector.kinds:
            self.signal_ms.append(noticed_ms)
            return
        self.alert_ms.append(noticed_ms)
        self.onset_ms.append((heard.at - payload["started_at"]) * 1000)
