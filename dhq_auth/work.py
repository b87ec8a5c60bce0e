"""The unit of work: a change and its audit rows commit together, the world hears afterwards."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dhq_auth.audit import store as audit
from dhq_auth.clock import Clock
from dhq_auth.db import Database, Db, Result
from dhq_auth.events import Event, Source
from dhq_auth.question import Question, Row

Keep = Callable[[Db, Sequence[Event], Source, datetime], Awaitable[None]]
"""Writes what is owed of events, which have a source and a time, in the transaction of the change."""


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

    *actor* is who does what no user does. Events are audited with the change that they tell of, and
    kept with it by *keep*; *announce* hears of them after the commit.
    """

    def __init__(
        self,
        database: Database,
        now: Clock,
        announce: Callable[[Sequence[Event]], Awaitable[None]],
        *,
        actor: str | None = None,
        keep: Keep | None = None,
    ) -> None:
        self.database = database
        self.now = now
        self._announce = announce
        self._actor = actor
        self._keep = keep

    def read(self) -> AbstractAsyncContextManager[Db]:
        """Give a connection that sees one consistent state and changes nothing."""
        return self.database.read()

    async def ask(self, question: Question, **values: Any) -> Sequence[Row]:
        """Return the rows that answer *question* with *values*, at the least cost."""
        return await self.database.ask(question, **values)

    async def transact(
        self, source: Source, change: Callable[[Transaction], Awaitable[Result]]
    ) -> Result:
        """Commit what *change* does, its audit rows with it; an exception undoes it all.

        *change* is called again, in a new transaction, where another one was in its way: it must
        keep what it does to itself, and await nothing remote. Metrics and extensions hear after the
        commit. Raises what `Database.transact` raises.
        """
        source = replace(source, actor=source.actor or self._actor)

        async def change_and_append(db: Db) -> tuple[Result, Sequence[Event]]:
            tx = Transaction(db, self.now())
            result = await change(tx)
            await audit.append(db, tx.events, source, tx.now)
            if self._keep is not None:
                await self._keep(db, tx.events, source, tx.now)
            return result, tx.events

        result, events = await self.database.transact(change_and_append)
        if events:
            await self._announce([replace(event, source=source) for event in events])
        return result

    async def tell(self, source: Source, event: Event) -> None:
        """Let *event*, with which nothing changes, be remembered and announced.

        Raises Unavailable as `transact` does.
        """

        async def emit(tx: Transaction) -> None:
            tx.emit(event)

        await self.transact(source, emit)
