"""Whose turn it is: a provider has so many calls at once, so that a slow one holds up nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from dhq_auth.errors import Unavailable
from dhq_auth.message import Message

WAITING: Final = 4
"""How many may wait for each call under way; whoever comes later is told to come again."""


class Turns:
    """The calls to one *provider*: at most *calls* at a time."""

    def __init__(self, provider: str, calls: int) -> None:
        self._provider = provider
        self._free = asyncio.Semaphore(calls)
        self._room = calls * WAITING
        self._waiting = 0

    @asynccontextmanager
    async def taken(self, deadline: float) -> AsyncIterator[None]:
        """Wait for a turn, and have it for what is inside, until *deadline* by the loop's clock.

        Raises Unavailable where too many wait already, or the turn does not come in time, and
        TimeoutError where what is inside does not end in time.
        """
        await self._wait(deadline)
        try:
            async with asyncio.timeout_at(deadline):
                yield
        finally:
            self._free.release()

    async def _wait(self, deadline: float) -> None:
        if self._free.locked() and self._waiting >= self._room:
            raise self._busy()
        self._waiting += 1
        try:
            async with asyncio.timeout_at(deadline):
                await self._free.acquire()
        except TimeoutError:
            raise self._busy() from None
        finally:
            self._waiting -= 1

    def _busy(self) -> Unavailable:
        return Unavailable(
            Message("Too many wait for {provider} already.", provider=self._provider)
        )
