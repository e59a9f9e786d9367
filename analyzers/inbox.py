"""Between the socket's thread and the one that thinks: bounded, newest wins, what is lost is counted."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass

from transport.messages import AnyMessage, Packet

MAX_WAITING = {"main": 45, "audio": 100}
"""Packets of one student and role: three seconds of video, two to six of sound."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Packets of this student were dropped here: nothing chains on to what came before."""

    attempt_id: str


Item = AnyMessage | Gap


class Inbox:
    """Any thread puts, one takes. Only packets are ever dropped."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._waiting: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self.dropped = 0

    def put(self, item: Item) -> None:
        with self._lock:
            if isinstance(item, Packet):
                key = (item.attempt_id, item.role)
                if item.role not in MAX_WAITING:
                    return
                if self._waiting[key] >= MAX_WAITING[item.role]:
                    self._drop(item.attempt_id, item.role)
                self._waiting[key] += 1
            self._items.append(item)

    def take(self) -> list[Item]:
        """All there is, in order."""
        with self._lock:
            items, self._items = self._items, []
            self._waiting.clear()
            return items

    def _drop(self, attempt_id: str, role: str) -> None:
        """Sound: all that waits. Pictures chain: all of them, with a mark where the chain is broken."""
        kept: list[Item] = [
            item
            for item in self._items
            if not (isinstance(item, Packet) and item.attempt_id == attempt_id and item.role == role)
        ]
        self.dropped += len(self._items) - len(kept)
        self._items = kept
        self._waiting[attempt_id, role] = 0
        if role == "main" and Gap(attempt_id) not in self._items:
            self._items.append(Gap(attempt_id))
