"""What is fetched from others: once for all who need it, and kept while it cannot be."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeVar

from dhq_auth.clock import Clock
from dhq_auth.errors import AuthError

log = logging.getLogger(__name__)

Value = TypeVar("Value")
PATIENCE: Final = 1.0
"""Seconds that all together wait for a newer value where there is an old one."""


class Cached(Generic[Value]):
    """A value that is fetched when first needed, by one caller for all, and kept on errors.

    It is fetched again when it is older than its lifetime, or when a caller has reason to doubt it.
    Doubts and failures are followed by a cool-down in which it is not fetched again. While a newer
    value is slow to come, the one that is merely old is good enough.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Value]],
        *,
        lifetime: timedelta,
        cooldown: timedelta,
        now: Clock,
    ) -> None:
        self._fetch = fetch
        self._lifetime = lifetime
        self._cooldown = cooldown
        self._now = now
        self._value: Value | None = None
        self._fetched_at = self._rests_until = datetime.min.replace(tzinfo=UTC)
        self._flight: asyncio.Task[Value] | None = None
        self._patient_until = 0.0

    async def get(self) -> Value:
        """Return the value; raise what the fetch raises while there is none."""
        return await self._get(doubted=False)

    async def refetched(self) -> Value:
        """Return the value, fetched again unless that was done within the cool-down."""
        return await self._get(doubted=True)

    async def _get(self, *, doubted: bool) -> Value:
        if self._value is not None:
            # A clock that was set back must not keep a value for longer than its lifetime.
            fresh = timedelta(0) <= self._now() - self._fetched_at < self._lifetime
            rests = timedelta(0) < self._rests_until - self._now() <= self._cooldown
            if rests or (fresh and not doubted):
                return self._value
        loop = asyncio.get_running_loop()
        if self._flight is None:
            self._patient_until = loop.time() + PATIENCE
            self._flight = asyncio.create_task(self._fly(doubted=doubted))
            self._flight.add_done_callback(self._land)
        if self._value is not None and not doubted:
            await asyncio.wait({self._flight}, timeout=self._patient_until - loop.time())
            return self._value
        try:
            # Whoever asked first may go away: the others still wait for the same answer.
            return await asyncio.shield(self._flight)
        except AuthError as error:
            raise copy(error) from error

    async def _fly(self, *, doubted: bool) -> Value:
        try:
            value = await self._fetch()
        except AuthError:
            self._rests_until = self._now() + self._cooldown
            if self._value is None:
                raise
            log.warning("kept what was known, since it could not be fetched again")
            return self._value
        if doubted:
            self._rests_until = self._now() + self._cooldown
        self._value, self._fetched_at = value, self._now()
        return value

    def _land(self, flight: asyncio.Task[Value]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # seen, though everybody who waited for it may be gone
