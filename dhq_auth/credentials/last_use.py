"""Remembering that a credential was used: nice to know, never worth a request that fails."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from dhq_auth.errors import Conflict, Unavailable
from dhq_auth.work import Work

PAUSE: Final = timedelta(minutes=1)
"""How long nothing is written after a database that could not take it."""


class LastUse:
    """Writes uses, unless the database cannot be written to: then requests go on without."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._failed_at: datetime | None = None

    async def write(self, write: Callable[[], Awaitable[None]]) -> None:
        """Do *write*; after a failure none is tried for a minute, so that nobody waits for it."""
        now = self._work.now()
        if self._failed_at is not None and timedelta(0) <= now - self._failed_at < PAUSE:
            return
        try:
            await write()
        except Conflict:
            pass
        except Unavailable:
            self._failed_at = now
        else:
            self._failed_at = None
