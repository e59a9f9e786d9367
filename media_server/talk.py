"""A watcher's voice to a student."""

from __future__ import annotations

from typing import Protocol

from media_server.frames import EncodedFrame


class Listener(Protocol):
    """Who can be spoken to: a student's feed."""

    def begin_talk(self, talker: object) -> None: ...

    def end_talk(self, talker: object) -> None: ...

    def push_talk(self, talker: object, frame: EncodedFrame) -> bool: ...


class TalkLine:
    """Give `push` to WatcherPeer as `on_talk`. Where several watchers speak to one student, the one who
    began last is heard."""

    def __init__(self) -> None:
        self._listener: Listener | None = None

    @property
    def listener(self) -> Listener | None:
        return self._listener

    def attach(self, listener: Listener) -> None:
        self.detach()
        self._listener = listener
        listener.begin_talk(self)

    def detach(self) -> None:
        if self._listener is not None:
            self._listener.end_talk(self)
            self._listener = None

    def push(self, frame: EncodedFrame) -> None:
        if self._listener is not None:
            self._listener.push_talk(self, frame)
