"""The start: what needs the database is begun once that is there, and we listen before."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Final

from dhq_auth.db import TELL_AGAIN, Database, DatabaseAway
from dhq_auth.web.life import Life

Background = Callable[[], Coroutine[None, None, None]]
"""What goes on beside the requests, for as long as the process lives."""

REACH: Final = 2.0
"""Seconds in which a database that is there answers."""
PAUSE: Final = 1.0
"""Seconds between two looks whether it is."""
PATIENCE: Final = 10.0
"""Seconds for which we do not listen yet, because all may be ready in a moment."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def started(
    life: Life,
    database: Database,
    prepare: Callable[[], Awaitable[None]],
    background: Sequence[Background],
) -> AsyncIterator[None]:
    """Make *life* ready, now or while what is inside goes on; end with it what was begun.

    Once *database* answers, *prepare* is called and what is in *background* is started. A database
    that is away is looked for every second. Raises StartRefused for what waiting does not mend;
    where that is found later, `Life.begun` raises it.
    """
    start = _Start(life, database, prepare, background)
    begin = asyncio.create_task(start.begin())
    away = asyncio.create_task(start.is_away.wait())
    try:
        await asyncio.wait({begin, away}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if begin.done():
            await begin
        else:
            begin.add_done_callback(start.note_fault)
        yield
    finally:
        tasks = (begin, away, *start.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Start:
    def __init__(
        self,
        life: Life,
        database: Database,
        prepare: Callable[[], Awaitable[None]],
        background: Sequence[Background],
    ) -> None:
        self._life = life
        self._database = database
        self._prepare = prepare
        self._background = background
        self._told_at = float("-inf")
        self.is_away = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Try until the database is there."""
        while not await self._tried():  # noqa: ASYNC110 - a database sends no event
            await asyncio.sleep(PAUSE)
        self.tasks += [asyncio.create_task(work()) for work in self._background]
        if self.is_away.is_set():
            log.info("the database is there: ready")
        self._life.begin()

    async def _tried(self) -> bool:
        try:
            with self._database.needed_to_start():
                await self._database.reach(REACH)
                await self._prepare()
        except DatabaseAway as error:
            self._tell(error)
            self.is_away.set()
            return False
        return True

    def _tell(self, error: DatabaseAway) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= TELL_AGAIN:
            self._told_at = now
            log.warning("waiting for the database: %s", error)

    def note_fault(self, begin: asyncio.Task[None]) -> None:
        """Hand on what *begin*, which nobody awaits, has ended by."""
        if not begin.cancelled() and isinstance(error := begin.exception(), Exception):
            self._life.break_off(error)
