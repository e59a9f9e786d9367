"""What waits to be written to one slow reader: everything that lasts, and the newest of what does not."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from signaling.messages import ServerMessage

_encoder = msgspec.json.Encoder()


class Outbox:
    """Durable messages keep their order and are never dropped: a reader who leaves more than
    `max_bytes` of them lying is `overrun`, and the socket has to end. Volatile ones carry a key, and
    a newer one takes the place of an unread older one; the loss is counted."""

    def __init__(self, max_bytes: int = 4 * 1024 * 1024) -> None:
        self._max_bytes = max_bytes
        self._durable: deque[bytes] = deque()
        self._bytes = 0
        self._volatile: dict[str, ServerMessage] = {}
        self._ready = asyncio.Event()
        self.overrun = False
        self.skipped = 0

    def __len__(self) -> int:
        return len(self._durable) + len(self._volatile)

    def put(self, message: ServerMessage) -> None:
        data = _encoder.encode(message)
        self._durable.append(data)
        self._bytes += len(data)
        # One message alone may be larger than the bound: a welcome to a big exam.
        if self._bytes > self._max_bytes and len(self._durable) > 1:
            self.overrun = True
        self._ready.set()

    def put_latest(self, key: str, message: ServerMessage) -> None:
        """Encoded only when it is sent: most overlays to a slow reader never are."""
        if key in self._volatile:
            self.skipped += 1
        self._volatile[key] = message
        self._ready.set()

    def clear(self) -> None:
        self._durable.clear()
        self._volatile.clear()
        self._bytes = 0

    async def get(self) -> bytes:
        """The next to write: durable before volatile, both oldest first."""
        while not len(self):
            self._ready.clear()
            await self._ready.wait()
        if self._durable:
            data = self._durable.popleft()
            self._bytes -= len(data)
            return data
        key = next(iter(self._volatile))
        return _encoder.encode(self._volatile.pop(key))
