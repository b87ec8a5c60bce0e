"""Where the service is between its start and its end, for whoever must know.

::

    started ── listens, refuses what needs the database ── ready ── stopping ── ended
                             │
                             └── broken: what is found cannot be used; the process ends

A request that waits for something to happen (a long poll) ends it when `stopping` is set.
"""

import asyncio
from typing import Final

from aiohttp import web

from dhq_auth.errors import StartRefused, Unavailable
from dhq_auth.web.routing import Address

RETRY_AFTER: Final = 2
"""Seconds after which it is worth to ask again a service that waits for its database."""


class Life:
    """Events of the life of one application; `begun` means that its start has been decided."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        """Database, keys and plugins are there, and background work goes on."""
        self.stopping = asyncio.Event()
        """No request will follow those that are under way."""
        self._decided = asyncio.Event()
        self._fault: StartRefused | Exception | None = None

    def begin(self) -> None:
        """Note that everything is there."""
        self.ready.set()
        self._decided.set()

    def break_off(self, fault: Exception) -> None:
        """Note that the start has failed by *fault*, and will not go better by waiting."""
        self._fault = fault
        self._decided.set()

    def admit(self, address: Address) -> None:
        """Raise Unavailable for what cannot be answered before it is ready.

        An error and no denial: nobody is told that a token is bad because its key is not there yet.
        """
        if not address.early and not self.ready.is_set():
            raise Unavailable("The service waits for its database.", retry_after=RETRY_AFTER)

    async def begun(self) -> None:
        """Wait until it is ready; raise what the start has failed by."""
        await self._decided.wait()
        if self._fault is not None:
            raise self._fault


LIFE: Final = web.AppKey("LIFE", Life)
