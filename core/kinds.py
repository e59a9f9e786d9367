"""What can be noticed, how it is classed, and how much it weighs.

The wire spelling of a kind is the enum's value; `docs/protocol.md` lists them all.
"""

from __future__ import annotations

from enum import StrEnum


class Category(StrEnum):
    """Which of the three lists something belongs to. They are never mixed in a report."""

    SUSPICION = "suspicion"
    """The system suspects something; only a person can confirm it."""
    TECHNICAL = "technical"
    """Something could not be seen or heard; never held against the student."""


class Severity(StrEnum):
    """How soon a proctor should look."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def weight(self) -> float:
        """0–1, as in LTI's Assessment Control Service."""
        return {"info": 0.0, "low": 0.3, "medium": 0.6, "high": 1.0}[self.value]

    @property
    def is_alert(self) -> bool:
        """Alerts interrupt a proctor; everything below is a detection that waits for review."""
        return self in (Severity.MEDIUM, Severity.HIGH)


class Kind(StrEnum):
    # faces
    NO_FACE = "no_face"
    MULTIPLE_FACES = "multiple_faces"
    HEAD_TURNED = "head_turned"
    FACE_TOO_SMALL = "face_too_small"
    FACE_OCCLUDED = "face_occluded"
    # identity
    IDENTITY_MISMATCH = "identity_mismatch"
    # gaze
    GAZE_AWAY = "gaze_away"
    # objects
    PHONE = "phone"
    BOOK = "book"
    LAPTOP = "laptop"
    SECOND_PERSON = "second_person"
    # sound
    SPEECH = "speech"
    SECOND_VOICE = "second_voice"
    NOISE = "noise"
    # scene
    DARK = "dark"
    COVERED = "covered"
    BLURRED = "blurred"
    FROZEN = "frozen"
    VIRTUAL_CAMERA = "virtual_camera"
    # browser
    TAB_HIDDEN = "tab_hidden"
    WINDOW_BLUR = "window_blur"
    FULLSCREEN_LEFT = "fullscreen_left"
    COPY = "copy"
    PASTE = "paste"
    SECOND_DISPLAY = "second_display"
    SHORTCUT = "shortcut"
    DEVTOOLS = "devtools"
    CAMERA_MUTED = "camera_muted"
    MICROPHONE_MUTED = "microphone_muted"
    CAMERA_REPLACED = "camera_replaced"
    MICROPHONE_REPLACED = "microphone_replaced"
    SCREEN_STOPPED = "screen_stopped"
    # the plumbing
    DISCONNECTED = "disconnected"
    MEDIA_STALLED = "media_stalled"
    ANALYSIS_GAP = "analysis_gap"
    RECORDING_GAP = "recording_gap"


_SEVERITY: dict[Kind, Severity] = {
    Kind.NO_FACE: Severity.MEDIUM,
    Kind.MULTIPLE_FACES: Severity.HIGH,
    Kind.HEAD_TURNED: Severity.LOW,
    Kind.FACE_TOO_SMALL: Severity.INFO,
    Kind.FACE_OCCLUDED: Severity.LOW,
    Kind.IDENTITY_MISMATCH: Severity.HIGH,
    Kind.GAZE_AWAY: Severity.LOW,
    Kind.PHONE: Severity.HIGH,
    Kind.BOOK: Severity.MEDIUM,
    Kind.LAPTOP: Severity.MEDIUM,
    Kind.SECOND_PERSON: Severity.HIGH,
    Kind.SPEECH: Severity.MEDIUM,
    Kind.SECOND_VOICE: Severity.HIGH,
    Kind.NOISE: Severity.INFO,
    Kind.DARK: Severity.LOW,
    Kind.COVERED: Severity.MEDIUM,
    Kind.BLURRED: Severity.INFO,
    Kind.FROZEN: Severity.MEDIUM,
    Kind.VIRTUAL_CAMERA: Severity.MEDIUM,
    Kind.TAB_HIDDEN: Severity.MEDIUM,
    Kind.WINDOW_BLUR: Severity.LOW,
    Kind.FULLSCREEN_LEFT: Severity.LOW,
    Kind.COPY: Severity.LOW,
    Kind.PASTE: Severity.MEDIUM,
    Kind.SECOND_DISPLAY: Severity.MEDIUM,
    Kind.SHORTCUT: Severity.LOW,
    Kind.DEVTOOLS: Severity.MEDIUM,
    Kind.CAMERA_MUTED: Severity.MEDIUM,
    Kind.MICROPHONE_MUTED: Severity.MEDIUM,
    Kind.CAMERA_REPLACED: Severity.MEDIUM,
    Kind.MICROPHONE_REPLACED: Severity.LOW,
    Kind.SCREEN_STOPPED: Severity.MEDIUM,
    Kind.DISCONNECTED: Severity.LOW,
    Kind.MEDIA_STALLED: Severity.LOW,
    Kind.ANALYSIS_GAP: Severity.LOW,
    Kind.RECORDING_GAP: Severity.MEDIUM,
}

_TECHNICAL = frozenset({
    Kind.FACE_TOO_SMALL, Kind.DARK, Kind.BLURRED, Kind.FROZEN, Kind.DISCONNECTED,
    Kind.MEDIA_STALLED, Kind.ANALYSIS_GAP, Kind.RECORDING_GAP,
})  # fmt: skip


def default_severity(kind: Kind) -> Severity:
    return _SEVERITY[kind]


def category_of(kind: Kind) -> Category:
    return Category.TECHNICAL if kind in _TECHNICAL else Category.SUSPICION
