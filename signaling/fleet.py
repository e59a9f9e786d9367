"""What the desks need of the media and analysis processes; the supervisor in media_server keeps it."""

from __future__ import annotations

from typing import Protocol

from transport.channel import Channel


class Fleet(Protocol):
    def media(self, index: int) -> Channel:
        """Raises ProctorError (503) while that process is down; likewise below."""

    def analysis(self, index: int) -> Channel: ...

    def place(self, attempt_id: str) -> tuple[int, int]:
        """(media index, analysis index) for an attempt: the same every time, while both live."""

    def analysis_socket(self, index: int) -> str:
        """Where the media processes reach an analysis process."""

    def forget(self, attempt_id: str) -> None:
        """The attempt is over: it counts no more where the next ones are placed."""
