"""Whether the service is ready, asked of the database once for all who want to know."""

import asyncio
from typing import Final

from dhq_auth.errors import Unavailable
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.work import Work

GOOD_FOR: Final = 0.5
"""Seconds for which a yes is given again: whoever asks all the time costs no connection."""


class Readiness:
    """Database and keys, as they were a moment ago."""

    def __init__(self, work: Work, keyring: Keyring) -> None:
        self._work = work
        self._keyring = keyring
        self._flight: asyncio.Task[None] | None = None
        self._good_at = float("-inf")

    async def demand(self) -> None:
        """Raise Unavailable unless the keys are there and the database answers."""
        if not self._keyring.is_complete:
            raise Unavailable("the keys are not there yet")
        if self._flight is None:
            if asyncio.get_running_loop().time() - self._good_at < GOOD_FOR:
                return
            self._flight = asyncio.create_task(self._asked())
            self._flight.add_done_callback(_seen)
        try:
            # Whoever asked first may go away: the others still wait for the same answer.
            await asyncio.shield(self._flight)
        except Unavailable as error:
            raise Unavailable("the database does not answer") from error

    async def _asked(self) -> None:
        try:
            await self._work.database.ping()
            self._good_at = asyncio.get_running_loop().time()
        finally:
            self._flight = None


def _seen(flight: asyncio.Task[None]) -> None:
    """Look at how *flight* ended: nobody may have waited for it."""
    if not flight.cancelled():
        flight.exception()
