"""What the rooms below need from those above, as protocols: they are handed these, never import them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from core.incidents import EventRecord


class Clock(Protocol):
    def __call__(self) -> float:
        """Seconds, UNIX time on the server."""


class EventLog(Protocol):
    async def append(
        self,
        *,
        exam_id: str,
        attempt_id: str | None,
        type: str,
        payload: Mapping[str, Any],
        actor: str | None = None,
        at: float | None = None,
    ) -> EventRecord:
        """Persist, then return the record with its sequence number. Only then may anybody be told."""

    async def since(self, exam_id: str, seq: int, *, limit: int = 500) -> list[EventRecord]:
        """Records of an exam with a sequence number above `seq`, oldest first."""


class EvidenceStore(Protocol):
    async def put(self, attempt_id: str, name: str, data: bytes) -> str:
        """Store durably and return the key."""

    async def get(self, key: str) -> bytes:
        """Raises NotFound."""

    async def delete_attempt(self, attempt_id: str) -> int:
        """Remove everything kept of an attempt; the number of objects removed."""
