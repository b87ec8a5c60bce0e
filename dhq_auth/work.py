"""The unit of work: a change and its audit rows commit together, the world hears afterwards."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from dhq_auth.audit import store as audit
from dhq_auth.clock import Clock
from dhq_auth.db import Database, Db
from dhq_auth.events import Event, Source


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
    """Reads and transactions on one database."""

    def __init__(
        self, database: Database, now: Clock, announce: Callable[[Sequence[Event]], Awaitable[None]]
    ) -> None:
        self.database = database
        self.now = now
        self._announce = announce

    def read(self) -> AbstractAsyncContextManager[Db]:
        """Give a connection that sees one consistent state and changes nothing."""
        return self.database.read()

    @asynccontextmanager
    async def transaction(self, source: Source) -> AsyncIterator[Transaction]:
        """Commit what is done inside, its audit rows with it; an exception undoes it all.

        Nothing remote may be awaited inside. Metrics and extensions hear after the commit.
        """
        async with self.database.write() as db:
            tx = Transaction(db, self.now())
            yield tx
            await audit.append(db, tx.events, source, tx.now)
        if tx.events:
            await self._announce([replace(event, source=source) for event in tx.events])
