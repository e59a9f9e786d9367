"""Passwords: argon2, off the event loop, and not too many guesses."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import ProctorError
from core.ports import Clock

AT_ONCE = 2
"""Each takes 64 MiB and some 50 ms of a core."""


class TooManyGuesses(ProctorError):
    id = "too-many-guesses"
    status = 429
    sentence = "Too many attempts to log in. Please wait {minutes} minutes, or open the link you were sent."


class Throttle:
    """At most `limit` failures of a key within `window_s`; keys not seen for that long are forgotten."""

    def __init__(self, limit: int, window_s: float, clock: Clock, *, keys: int = 10_000) -> None:
        self._limit = limit
        self._window_s = window_s
        self._clock = clock
        self._keys = keys
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, key: str) -> None:
        """Raises TooManyGuesses."""
        if len(self._recent(key)) >= self._limit:
            raise TooManyGuesses(minutes=max(1, round(self._window_s / 60)))

    def failed(self, key: str) -> None:
        self._failures[key] = [*self._recent(key), self._clock()]
        self._failures.move_to_end(key)
        while len(self._failures) > self._keys:
            self._failures.popitem(last=False)

    def forgive(self, key: str) -> None:
        self._failures.pop(key, None)

    def _recent(self, key: str) -> list[float]:
        since = self._clock() - self._window_s
        return [at for at in self._failures.get(key, []) if at > since]


class Passwords:
    def __init__(self, clock: Clock) -> None:
        self._hasher = PasswordHasher()
        self._busy = asyncio.Semaphore(AT_ONCE)
        self._by_account = Throttle(5, 300.0, clock)
        self._by_address = Throttle(40, 300.0, clock)
        # Verified where there is no account, so that the time taken does not tell.
        self._nobody = self._hasher.hash("nobody")

    async def hash(self, password: str) -> str:
        async with self._busy:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, account: str, address: str, stored: str | None, password: str) -> bool:
        """`stored` is None where there is no such account. Raises TooManyGuesses before looking."""
        account = account.strip().lower()
        self._by_account.check(account)
        self._by_address.check(address)
        async with self._busy:
            right = await asyncio.to_thread(self._matches, stored or self._nobody, password)
        if right and stored is not None:
            self._by_account.forgive(account)
            return True
        self._by_account.failed(account)
        self._by_address.failed(address)
        return False

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
