"""The desks a socket's requests go to, built once by the composition root."""

from __future__ import annotations

from dataclasses import dataclass

from core.ports import Clock
from signaling.analysis_desk import AnalysisDesk
from signaling.attempts_desk import AttemptsDesk
from signaling.incidents_desk import IncidentsDesk
from signaling.interventions import InterventionsDesk
from signaling.media_desk import MediaDesk
from signaling.recording_desk import RecordingDesk
from signaling.rooms import Rooms
from signaling.watching import WatchingDesk


@dataclass(frozen=True, slots=True)
class Desks:
    rooms: Rooms
    attempts: AttemptsDesk
    interventions: InterventionsDesk
    incidents: IncidentsDesk
    analysis: AnalysisDesk
    recording: RecordingDesk
    watching: WatchingDesk
    media: MediaDesk
    clock: Clock
    ice_servers: list[dict[str, str | list[str]]]
    """Given to browsers."""
