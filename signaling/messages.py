"""Every message between a browser and the server, typed. `docs/protocol.md` is this file's twin.

JSON objects over one WebSocket a page, told apart by `type`. A request carries the `id` its sender
chose (1…2^31); its answer carries it back as `re`. What lasts (events) carries `seq` and can be resumed;
what only matters now (overlay, tile, seen) does not and may be skipped when a reader is slow.
Times are UNIX seconds by the server's clock.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from core.attempts import AttemptStatus
from core.findings import Blindness, Box
from core.incidents import Verdict
from core.kinds import Category, Kind, Severity
from core.samples import SignalKind
from transport.messages import Role, WatchRole

PROTOCOL = 1
MAX_MESSAGE_BYTES = 512 * 1024
"""An offer with 50 slots is 270 kB."""

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Mid = Annotated[str, Meta(min_length=1, max_length=32)]
RequestId = Annotated[int, Meta(ge=1, le=2**31)]
Sdp = Annotated[str, Meta(min_length=1, max_length=400_000)]
Text = Annotated[str, Meta(max_length=2_000)]
Reason = Annotated[str, Meta(max_length=500)]


class ClientMessage(msgspec.Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """Base of what browsers send."""


class ServerMessage(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True):
    """Base of what the server sends. Fields left out have their default (null, empty, false, 0)."""


# --- everybody -> server ------------------------------------------------------------------------


class Hello(ClientMessage, frozen=True, tag="hello"):
    """First message. `resume` is the last `seq` seen, to be told what was missed."""

    protocol: int
    resume: Annotated[int, Meta(ge=0)] | None = None


class Ping(ClientMessage, frozen=True, tag="ping"):
    """Every 5 s. Answered by pong; 15 s without either side hearing the other ends the socket."""

    t: float = 0.0


# --- student -> server --------------------------------------------------------------------------


class Publish(ClientMessage, frozen=True, tag="publish"):
    """Offer camera, microphone, screen. Complete SDP, no trickle. Again after any disconnect: a new
    peer connection under the same attempt. Answered by `published`."""

    id: RequestId
    sdp: Sdp
    tracks: dict[Mid, Role]


class Signal(ClientMessage, frozen=True, tag="signal"):
    """A browser signal (tab hidden, paste …)."""

    id: RequestId
    kind: SignalKind
    detail: dict[str, str | int | float | bool] = {}


class Consent(ClientMessage, frozen=True, tag="consent"):
    id: RequestId
    text_version: Annotated[str, Meta(max_length=40)]
    given: bool


class EnrolFace(ClientMessage, frozen=True, tag="enrol_face"):
    """The reference picture for this attempt (base64 JPEG, at most 300 kB), taken in preflight.
    Answered by ok with {"quality"}, or a problem that says what is wrong with the picture."""

    id: RequestId
    jpeg: Annotated[str, Meta(max_length=420_000)]


class Start(ClientMessage, frozen=True, tag="start"):
    """Begin. Needs consent and media that arrives."""

    id: RequestId


class Complete(ClientMessage, frozen=True, tag="complete"):
    id: RequestId


class Acknowledge(ClientMessage, frozen=True, tag="acknowledge"):
    id: RequestId
    intervention: Id


class Hand(ClientMessage, frozen=True, tag="hand"):
    id: RequestId
    raised: bool


class Say(ClientMessage, frozen=True, tag="say"):
    """Chat. A student writes to the proctors (attempt left out); a proctor names the attempt."""

    id: RequestId
    text: Annotated[str, Meta(min_length=1, max_length=2_000)]
    attempt: Id | None = None


# --- proctor -> server --------------------------------------------------------------------------


class Watch(ClientMessage, frozen=True, tag="watch"):
    """One peer connection to one media process. Answered by `watching`."""

    id: RequestId
    worker: Annotated[int, Meta(ge=0, le=255)]
    sdp: Sdp
    talk_mid: Mid | None = None
    together: dict[Mid, Mid] = {}
    """Sound slot -> picture slot it is heard with: the browser keeps the two in step."""


class Unwatch(ClientMessage, frozen=True, tag="unwatch"):
    id: RequestId
    watcher: Id


class Attach(ClientMessage, frozen=True, tag="attach"):
    """Fill a slot of a watcher's connection, or switch what is in it. `mapping` follows."""

    id: RequestId
    watcher: Id
    mid: Mid
    attempt: Id
    track: WatchRole


class Detach(ClientMessage, frozen=True, tag="detach"):
    id: RequestId
    watcher: Id
    mid: Mid


class Focus(ClientMessage, frozen=True, tag="focus"):
    """Overlays flow for this attempt from now on (null: for none). Counts as a human look."""

    id: RequestId
    attempt: Id | None


class Talk(ClientMessage, frozen=True, tag="talk"):
    """Speak to a student through the watcher's microphone (null: to nobody)."""

    id: RequestId
    watcher: Id
    attempt: Id | None
    reason: Reason = ""


Intervention = Literal["message", "warn", "pause", "resume", "terminate", "flag", "unflag", "extend"]


class Intervene(ClientMessage, frozen=True, tag="intervene"):
    id: RequestId
    attempt: Id
    action: Intervention
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    text: Text = ""
    """What the student reads (message, warn, pause, terminate)."""
    seconds: Annotated[int, Meta(ge=0, le=86_400)] = 0
    """extend only."""


class Judge(ClientMessage, frozen=True, tag="judge"):
    """A person's verdict on an incident (null takes it back)."""

    id: RequestId
    incident: Id
    verdict: Verdict | None
    reason: Reason = ""


StudentMessage = (
    Hello | Ping | Publish | Signal | Consent | EnrolFace | Start | Complete | Acknowledge | Hand | Say
)
ProctorMessage = Hello | Ping | Watch | Unwatch | Attach | Detach | Focus | Talk | Intervene | Judge | Say
AnyClientMessage = (
    Hello | Ping | Publish | Signal | Consent | EnrolFace | Start | Complete | Acknowledge | Hand | Say
    | Watch | Unwatch | Attach | Detach | Focus | Talk | Intervene | Judge
)  # fmt: skip


# --- server -> everybody ------------------------------------------------------------------------


class Pong(ServerMessage, frozen=True, tag="pong"):
    t: float = 0.0
    now: float = 0.0


class Ok(ServerMessage, frozen=True, tag="ok"):
    """A request was carried out (and, where it lasts, is on disk)."""

    re: int
    result: dict[str, Any] = {}


class ProblemMessage(ServerMessage, frozen=True, tag="problem"):
    """A request, or an unreadable message (re 0), changed nothing. `problem` is a stable id."""

    re: int
    problem: str
    title: str


class EventMessage(ServerMessage, frozen=True, tag="event"):
    """One record of the event log. Students get their own attempt's only, and never suspicions."""

    seq: int
    at: float
    event: str
    attempt: str | None = None
    payload: dict[str, Any] = {}
    actor: str | None = None


class Bye(ServerMessage, frozen=True, tag="bye"):
    """The server ends this socket; `reconnect` says whether to come back."""

    reason: str
    reconnect: bool = False


# --- server -> student --------------------------------------------------------------------------


class AttemptState(msgspec.Struct, frozen=True):
    id: str
    status: AttemptStatus
    now: float
    time_left_s: float | None = None
    """Counting down only while running."""
    consented: bool = False
    enrolled: bool = False
    hand_raised: bool = False
    pause_text: str = ""
    unacknowledged: list[dict[str, Any]] = []
    """Warnings to be acknowledged: {"id", "action", "text", "at"}."""


class StudentWelcome(ServerMessage, frozen=True, tag="welcome"):
    protocol: int
    seq: int
    exam: dict[str, Any]
    """{"id", "title", "duration_s", "screen": bool, "fullscreen": bool, "consent": {"version", "html"}}"""
    attempt: AttemptState
    ice_servers: list[dict[str, Any]] = []


class AttemptMessage(ServerMessage, frozen=True, tag="attempt"):
    """The attempt changed (status, clock, hand)."""

    attempt: AttemptState


class Content(ServerMessage, frozen=True, tag="content"):
    """What the student works on; sent while running only, null takes it away (pause, end)."""

    html: str | None = None


class Published(ServerMessage, frozen=True, tag="published"):
    re: int
    sdp: str


class MediaState(ServerMessage, frozen=True, tag="media"):
    """`republish`: the media process restarted, offer again. Otherwise what arrives here now."""

    state: Literal["live", "stalled", "republish"]
    tracks: dict[str, bool] = {}


class Seen(ServerMessage, frozen=True, tag="seen"):
    """What the system sees of me, in kinds, for plain words on the student's page. Never a score."""

    face: Literal["one", "none", "several", "unknown"]
    light: Literal["ok", "dark", "unknown"]
    sound: Literal["quiet", "speech", "unknown"]
    blind: dict[str, Blindness] = {}
    notes: list[Kind] = []
    """What holds now: dark, blurred, phone …"""


class InterventionMessage(ServerMessage, frozen=True, tag="intervention"):
    """What a proctor did that concerns the student; it lasts, so it has a `seq` like an event."""

    id: str
    action: Intervention
    at: float
    text: str = ""
    acknowledge: bool = False
    seq: int = 0


class TalkState(ServerMessage, frozen=True, tag="talking"):
    """A proctor speaks to you (or stopped): unmute the talk-back track and say so on the page."""

    on: bool
    who: str = ""


# --- server -> proctor --------------------------------------------------------------------------

TileState = Literal["absent", "connecting", "live", "frozen", "reconnecting", "ended"]


class IncidentView(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str
    attempt: str
    kind: Kind
    severity: Severity
    category: Category
    started_at: float
    ended_at: float | None = None
    confidence: float = 0.0
    findings: int = 1
    evidence: str | None = None
    """URL of the picture."""
    announced: bool = True
    verdict: Verdict | None = None
    verdict_by: str | None = None


class AttemptView(msgspec.Struct, frozen=True, omit_defaults=True):
    """All a tile shows, once; changes follow as tile and event messages."""

    id: str
    name: str
    status: AttemptStatus
    seat: str = ""
    worker: int = 0
    state: TileState = "absent"
    state_since: float = 0.0
    time_left_s: float | None = None
    hand_raised: bool = False
    flagged: bool = False
    risk: float = 0.0
    """0–1, decays; sorts the wall."""
    blind: dict[str, Blindness] = {}
    screen: bool = False
    incidents: list[IncidentView] = []
    """Open ones and the last ten."""
    looked_at: float | None = None


class ProctorWelcome(ServerMessage, frozen=True, tag="welcome"):
    protocol: int
    seq: int
    now: float
    exam: dict[str, Any]
    """{"id", "title", "duration_s"}"""
    user: dict[str, Any]
    workers: list[int]
    attempts: list[AttemptView]
    ice_servers: list[dict[str, Any]] = []


class Tile(ServerMessage, frozen=True, tag="tile"):
    """A tile's volatile part. `frozen` since `since`: no frame arrived; honest, not a guess."""

    attempt: str
    state: TileState
    since: float
    status: AttemptStatus
    risk: float = 0.0
    time_left_s: float | None = None
    hand_raised: bool = False
    flagged: bool = False
    screen: bool = False
    worker: int = 0
    blind: dict[str, Blindness] = {}
    fps: float = 0.0
    loss_percent: float = 0.0
    rtt_ms: float | None = None
    candidate: str = ""
    last_frame_at: float | None = None
    looked_at: float | None = None


class Watching(ServerMessage, frozen=True, tag="watching"):
    re: int
    watcher: str
    sdp: str


class Mapping(ServerMessage, frozen=True, tag="mapping"):
    """source RTP timestamp = (rtpTimestamp of the video frame - rtp_offset) mod 2^32."""

    watcher: str
    mid: str
    attempt: str
    track: WatchRole
    rtp_offset: int
    width: int | None = None
    height: int | None = None


class OverlayMessage(ServerMessage, frozen=True, tag="overlay"):
    attempt: str
    rtp: int
    boxes: list[Box]
    points: list[tuple[float, float]] = []
    gaze: tuple[float, float, float, float] | None = None


class WorkerState(ServerMessage, frozen=True, tag="worker"):
    """A media process came back: watch it again (the old connection is dead)."""

    worker: int
    state: Literal["up", "down"]


AnyServerMessage = (
    Pong | Ok | ProblemMessage | EventMessage | Bye
    | StudentWelcome | AttemptMessage | Content | Published | MediaState | Seen
    | InterventionMessage | TalkState
    | ProctorWelcome | Tile | Watching | Mapping | OverlayMessage | WorkerState
)  # fmt: skip
