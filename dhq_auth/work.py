"""The unit of work: a change and its audit rows commit together, the world hears afterwards."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeVar

from dhq_auth.audit import store as audit
from dhq_auth.clock import Clock
from dhq_auth.db import Contention, Database, Db
from dhq_auth.events import Event, Source

Result = TypeVar("Result")

TRIES: Final = 10
"""How often a change is begun before we say that there is no getting through."""
PAUSE: Final = 0.005
"""Seconds before the second try, doubled with each one more, at random up to that."""


@dataclass(slots=True)
class Transaction:
    """An open transaction: its connection, its time, and the events that it gathers."""

    db: Db
    now: datetime
    events: list[Event] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        """Let *event* be remembered with the change and announced after the commit."""
        self.events.append(event)


class Work:
    """Reads and transactions on one database.

    *actor* is who does what no user does.
    """

    def __init__(
        self,
        database: Database,
        now: Clock,
        announce: Callable[[Sequence[Event]], Awaitable[None]],
        *,
        actor: str | None = None,
    ) -> None:
        self.database = database
        self.now = now
        self._announce = announce
        self._actor = actor

    def read(self) -> AbstractAsyncContextManager[Db]:
        """Give a connection that sees one consistent state and changes nothing."""
        return self.database.read()

    async def transact(
        self, source: Source, change: Callable[[Transaction], Awaitable[Result]]
    ) -> Result:
        """Commit what *change* does, its audit rows with it; an exception undoes it all.

        *change* is called again, in a new transaction, where another one was in its way: it must
        keep what it does to itself, and await nothing remote. Metrics and extensions hear after the
        commit. Raises Unavailable when the database does not answer, or there is no getting
        through; Conflict as `Database.write` does.
        """
        for attempt in range(1, TRIES + 1):
            try:
                async with self.transaction(source) as tx:
                    return await change(tx)
            except Contention:
                if attempt == TRIES:
                    raise
            await asyncio.sleep(random.uniform(0, PAUSE * 2**attempt))  # noqa: S311 - no secret
        raise AssertionError("unreachable")

    async def tell(self, source: Source, event: Event) -> None:
        """Let *event*, with which nothing changes, be remembered and announced.

        Raises Unavailable as `transact` does.
        """

        async def emit(tx: Transaction) -> None:
            tx.emit(event)

        await self.transact(source, emit)

    @asynccontextmanager
    async def transaction(self, source: Source) -> AsyncIterator[Transaction]:
        """Commit what is done inside, its audit rows with it; an exception undoes it all.

        Nothing remote may be awaited inside. Metrics and extensions hear after the commit.
        """
        source = replace(source, actor=source.actor or self._actor)
        async with self.database.write() as db:
            tx = Transaction(db, self.now())
            yield tx
            await audit.append(db, tx.events, source, tx.now)
        if tx.events:
            await self._announce([replace(event, source=source) for event in tx.events])
