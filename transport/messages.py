"""Every message that passes between the web, media and analysis processes.

One tagged union in one file, so that both ends of a pipe agree by construction. Times are UNIX
seconds of the server; RTP timestamps are 32-bit at the codec's clock rate, as the sender sent them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from core.findings import Blindness, Box, Finding

Role = Literal["main", "low", "screen", "audio"]
WatchRole = Literal["main", "low", "screen", "audio", "annotated"]
Codec = Literal["vp8", "h264", "opus"]


class Message(msgspec.Struct, frozen=True, tag=True):
    """Base; the tag is the class name."""


# --- anybody -> anybody -------------------------------------------------------------------------


class Hello(Message, frozen=True):
    """First message on every connection, from the side that connected."""

    role: Literal["media", "analysis"]
    index: int
    pid: int


class Done(Message, frozen=True):
    """The empty reply."""


class Problem(Message, frozen=True):
    """The reply to a request that failed; `id` is a ProctorError's id."""

    id: str
    detail: str


class WorkerStats(Message, frozen=True):
    """Every two seconds from each worker."""

    role: Literal["media", "analysis"]
    index: int
    cpu_seconds: float
    rss_bytes: int
    threads: int
    descriptors: int
    counters: dict[str, float]
    """Dotted names: packets.in, frames.dropped, keyframes.asked, looks.faces, lag.p95_ms …"""


# --- web -> media -------------------------------------------------------------------------------


class StudentOffer(Message, frozen=True):
    """Answered by SdpAnswer. A second offer for the same attempt replaces the peer: same recording."""

    attempt_id: str
    sdp: str
    roles: dict[str, Role]
    """mid -> what the m-line carries."""


class SdpAnswer(Message, frozen=True):
    sdp: str


class CloseStudent(Message, frozen=True):
    attempt_id: str


class WatcherOffer(Message, frozen=True):
    """Answered by SdpAnswer. Every recvonly m-line is a slot that Attach may fill."""

    watcher_id: str
    sdp: str
    talk_mid: str | None = None
    together: dict[str, str] = {}
    """Mid of a sound slot -> mid of the picture slot it is played in sync with."""


class CloseWatcher(Message, frozen=True):
    watcher_id: str


class Attach(Message, frozen=True):
    """Fill a slot. Attaching to a filled slot switches it at the new source's next keyframe."""

    watcher_id: str
    mid: str
    attempt_id: str
    role: WatchRole


class Detach(Message, frozen=True):
    watcher_id: str
    mid: str


class Talk(Message, frozen=True):
    """Route a watcher's microphone to a student; None ends it."""

    watcher_id: str
    attempt_id: str | None


class StartRecording(Message, frozen=True):
    attempt_id: str
    directory: str
    first_index: int
    """Continue numbering here (after a restart)."""
    last_ended_at: float | None = None
    """End of the last known segment; what lies between is the gap that goes on the record."""


class StopRecording(Message, frozen=True):
    """Answered by Done once the last segment is on disk and indexed."""

    attempt_id: str


class UseAnalysis(Message, frozen=True):
    """Send this attempt's packets to the analysis process that listens at `socket` (None: to nobody)."""

    attempt_id: str
    socket: str | None


# --- media -> web -------------------------------------------------------------------------------


class PeerState(Message, frozen=True):
    """`id` is an attempt id (student) or a watcher id."""

    side: Literal["student", "watcher"]
    id: str
    state: Literal["connecting", "connected", "closed", "failed"]
    reason: str = ""


class TrackHealth(msgspec.Struct, frozen=True):
    role: Role
    live: bool
    fps: float
    kbps: float
    lost: int
    """Packets lost for good since the start."""
    last_frame_at: float | None
    width: int | None = None
    height: int | None = None


class FeedHealth(Message, frozen=True):
    """Once a second a student, and at once when a track stalls or resumes."""

    attempt_id: str
    tracks: list[TrackHealth]
    loss_percent: float
    rtt_ms: float | None
    local_candidate: str | None
    remote_candidate: str | None


class SlotMapping(Message, frozen=True):
    """From now on: source RTP timestamp = (timestamp the watcher receives - rtp_offset) mod 2**32."""

    watcher_id: str
    mid: str
    attempt_id: str
    role: WatchRole
    rtp_offset: int
    width: int | None = None
    height: int | None = None


class SegmentWritten(Message, frozen=True):
    """The file is fsynced and under its final name when this is sent."""

    attempt_id: str
    index: int
    track: Literal["main", "screen"]
    path: str
    """File name within `StartRecording.directory`."""
    started_at: float
    ended_at: float
    codec: str
    width: int
    height: int
    size_bytes: int
    gap_before_s: float = 0.0
    """What is missing since the segment before; 0 where the two join. Anything else goes on the record."""


class RecordingProblem(Message, frozen=True):
    attempt_id: str
    reason: Literal["disk_full", "disk_error", "no_media"]
    detail: str


# --- media <-> analysis -------------------------------------------------------------------------


class Packet(Message, frozen=True):
    """One encoded frame of a student (main, screen or audio)."""

    attempt_id: str
    role: Role
    codec: Codec
    rtp_timestamp: int
    captured_at: float
    keyframe: bool
    data: bytes


class FeedEnded(Message, frozen=True):
    """media -> analysis: no more packets of this attempt until the next keyframe."""

    attempt_id: str


class KeyframeWanted(Message, frozen=True):
    """analysis -> media: ask the student's encoder. media -> analysis for role "annotated"."""

    attempt_id: str
    role: WatchRole


class AnnotatedWanted(Message, frozen=True):
    """media -> analysis: somebody watches the annotated track (or nobody does any more)."""

    attempt_id: str
    wanted: bool


class AnnotatedPacket(Message, frozen=True):
    """analysis -> media: one encoded VP8 frame of the annotated track; RTP clock 90 kHz."""

    attempt_id: str
    rtp_timestamp: int
    captured_at: float
    keyframe: bool
    data: bytes


# --- web -> analysis ----------------------------------------------------------------------------


class StudentProfile(Message, frozen=True):
    """What the detectors need to know of a student; sent before the first packet and when it changes."""

    attempt_id: str
    face_embeddings: list[list[float]] = []
    """128 floats each; empty: not enrolled."""
    voiceprint: list[float] | None = None
    calibration: dict[str, float] | None = None
    """yaw_deg, pitch_deg, iris_x, iris_y of a neutral look at the screen."""
    detectors_off: list[str] = []
    """Accommodations and exam settings: detectors (or kinds) that must not look."""
    thresholds: dict[str, float] = {}
    """kind -> enter score, in place of the default."""
    rates: dict[str, float] = {}
    """detector -> looks a second, in place of the default."""


class ForgetStudent(Message, frozen=True):
    attempt_id: str


class WantOverlay(Message, frozen=True):
    attempt_id: str
    wanted: bool


class EmbedFace(Message, frozen=True):
    """Answered by FaceEmbedding, or by a Problem that says what is wrong with the picture."""

    jpeg: bytes


class FaceEmbedding(Message, frozen=True):
    embedding: list[float]
    quality: float
    box: Box


# --- analysis -> web ----------------------------------------------------------------------------


class FindingReport(Message, frozen=True):
    attempt_id: str
    finding: Finding
    evidence_jpeg: bytes | None = None
    """The picture that speaks loudest so far, boxes drawn in; None where nothing new was seen."""


class Sight(Message, frozen=True):
    """What each detector can and cannot measure now; sent when it changes and every five seconds."""

    attempt_id: str
    blind: dict[str, Blindness]
    """detector -> reason; a detector that is not named measures."""
    running: list[str]
    """Detectors that look at this student."""
    scores: dict[str, float]
    """kind -> current mean score, for the student's own "what the system sees of me"."""
    looks_per_second: dict[str, float]


class Overlay(Message, frozen=True):
    """What was seen in one picture of the main track, for the proctor's browser to draw."""

    attempt_id: str
    rtp_timestamp: int
    boxes: list[Box]
    points: list[tuple[float, float]] = []
    """Landmarks, fractions of the picture."""
    gaze: tuple[float, float, float, float] | None = None
    """From (x, y) to (x, y), fractions of the picture."""


class Thumbnail(Message, frozen=True):
    attempt_id: str
    at: float
    jpeg: bytes


AnyMessage = (
    Hello | Done | Problem | WorkerStats
    | StudentOffer | SdpAnswer | CloseStudent | WatcherOffer | CloseWatcher | Attach | Detach | Talk
    | StartRecording | StopRecording | UseAnalysis
    | PeerState | FeedHealth | SlotMapping | SegmentWritten | RecordingProblem
    | Packet | FeedEnded | KeyframeWanted | AnnotatedWanted | AnnotatedPacket
    | StudentProfile | ForgetStudent | WantOverlay | EmbedFace | FaceEmbedding
    | FindingReport | Sight | Overlay | Thumbnail
)  # fmt: skip
