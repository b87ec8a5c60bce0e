"""Failures counted in the database: exact, by our clock, and shared by all who share it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from limits.aio.storage import Storage

from dhq_auth.db import Db, Result
from dhq_auth.events import Source
from dhq_auth.throttle import store
from dhq_auth.throttle.store import Counter
from dhq_auth.work import Work


class DatabaseStorage(Storage):
    """A storage of `limits` for the length of one transaction, at one time."""

    STORAGE_SCHEME = None
    """Nobody finds it by an address."""

    def __init__(self, db: Db, now: datetime) -> None:
        super().__init__()
        self._db = db
        self._now = now
        self._seen: dict[str, Counter | None] = {}

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """None that `limits` need wrap: those of the database are in our words already."""
        return ()

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count *amount* more of *key* for *expiry* seconds from the first; return how many."""
        window = timedelta(seconds=expiry)
        counted = await store.hit(self._db, key, now=self._now, window=window, amount=amount)
        self._seen[key] = counted
        return counted.hits

    async def get(self, key: str) -> int:
        """Return how many there were of *key*."""
        counted = self._seen[key] = await store.counter(self._db, key, self._now)
        return counted.hits if counted else 0

    async def get_expiry(self, key: str) -> float:
        """Return when *key* is forgotten, in seconds since the epoch; now if there is nothing."""
        if key not in self._seen:
            await self.get(key)
        counted = self._seen[key]
        return (counted.expires_at if counted else self._now).astimezone(UTC).timestamp()

    async def check(self) -> bool:
        """Whether the database answers; if it does not, Unavailable is raised."""
        await store.counter(self._db, "", self._now)
        return True

    async def reset(self) -> int:
        """Forget every key; return how many there were."""
        self._seen.clear()
        return await store.forget_all(self._db)

    async def clear(self, key: str) -> None:
        """Forget *key*."""
        self._seen.pop(key, None)
        await store.forget(self._db, key)


class InDatabase:
    """Failures are rows of the database; each use is one short transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def now(self) -> float:
        """Return the time by which counters expire, in seconds since the epoch."""
        return self._work.now().timestamp()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Storage]:
        """Give the counters as they are; nothing can be counted.

        Raises Unavailable when the database does not answer.
        """
        async with self._work.read() as db:
            yield DatabaseStorage(db, self._work.now())

    async def change(self, count: Callable[[Storage], Awaitable[Result]]) -> Result:
        """Return what *count* does with the counters; an exception undoes what was counted.

        It is called again where another transaction was in its way. Raises Unavailable when the
        database does not answer.
        """
        return await self._work.transact(Source(), lambda tx: count(DatabaseStorage(tx.db, tx.now)))

    async def close(self) -> None:
        """Leave the database open: it is not ours."""
