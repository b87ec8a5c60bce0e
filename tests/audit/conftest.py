"""A database with a log of its own, and somebody who can write to it without knowing the key."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import text

from dhq_auth.audit.check import Check, Seen
from dhq_auth.audit.inspect import inspect
from dhq_auth.audit.sealing import seal
from dhq_auth.db import Database
from dhq_auth.events import Event, Source, UsernameChosen
from dhq_auth.work import Work
from tests.fixtures.service import FrozenClock

KEY = "a key that the database does not know"


class Log:
    """The audit log of one database: written to as the service does, and by whoever else can."""

    def __init__(self, database: Database, clock: FrozenClock) -> None:
        self.database = database
        self.clock = clock
        self.work = Work(database, clock, self._nobody)

    async def write(self, count: int = 1, *, sealed: bool = True) -> None:
        """Write *count* rows, a second apart, and seal them."""
        for number in range(count):
            event = UsernameChosen(user_id=f"u{number}", username=f"näme {number}")
            await self.work.tell(Source("192.0.2.1", f"request {number}", "somebody"), event)
            self.clock.advance(seconds=1)
        if sealed:
            assert await self.seal() == count

    async def seal(self, key: str = KEY) -> int:
        """Seal one batch."""
        return await seal(self.database, key, self.clock())

    async def batches(self, *sizes: int) -> None:
        """Write and seal so many rows at once, with a seal of its own for each."""
        for size in sizes:
            await self.write(size)
            self.clock.advance(hours=1)

    async def check(self, key: str = KEY, seen: Seen | None = None) -> Check:
        """Check the whole log."""
        return await inspect(self.database, key, self.clock(), seen=seen)

    async def faults(self, key: str = KEY) -> list[tuple[int, str]]:
        """Return what does not fit, and where."""
        return [(fault.position, fault.kind) for fault in (await self.check(key)).faults]

    async def sql(self, statement: str, **values: Any) -> Sequence[Any]:
        """Do what whoever can write to the database can do."""
        async with self.database.write() as db:
            done = await db.execute(text(statement), values)
            return done.all() if done.returns_rows else ()

    @staticmethod
    async def _nobody(_events: Sequence[Event]) -> None:
        return None


@pytest.fixture
async def log(database_url: str, clock: FrozenClock) -> AsyncIterator[Log]:
    """The log of an empty database."""
    database = Database(database_url, pool=5, timeout=20)
    yield Log(database, clock)
    await database.close()


Tampering = Callable[[Log], Any]
