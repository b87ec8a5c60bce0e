"""Failures counted in a Redis or Valkey, which keeps the time and forgets by itself."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from limits.aio.storage import RedisStorage, Storage
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from dhq_auth.db import TELL_AGAIN, Result
from dhq_auth.errors import Unavailable
from dhq_auth.settings import Secret

log = logging.getLogger(__name__)

CONNECTIONS: Final = 10
"""Connections per process; who finds none free waits for one, until the deadline."""
SAID_AGAIN: Final = 0.1
"""Seconds after the deadline at which it is said again: redis uses `asyncio.wait_for`, which up to
Python 3.11 overlooks a cancellation that comes as it ends, and then waits as long once more."""
PREFIX: Final = "dhq-auth"


class InRedis:
    """Failures are keys that expire; what was counted before an exception stays."""

    def __init__(self, url: Secret, *, timeout: float) -> None:
        self._timeout = timeout
        self._pool = BlockingConnectionPool.from_url(
            re.sub("^valkey", "redis", url.value),
            max_connections=CONNECTIONS,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # Once more and at once: a server that was restarted has closed what is in the pool.
            retry=Retry(NoBackoff(), 1),
            # A service of one vendor; it would make the deadlines longer.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self._storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=PREFIX,
            connection_pool=self._pool,  # type: ignore[arg-type]  # as its documentation has it
        )
        self._told_at = float("-inf")

    def now(self) -> float:
        """Return the time by which counters expire, in seconds since the epoch."""
        return time.time()  # `limits` adds the server's time to live to this

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Storage]:
        """Give the counters.

        Raises Unavailable when the server does not answer, or refuses our password.
        """
        try:
            async with asyncio.timeout(self._timeout), asyncio.timeout(self._timeout + SAID_AGAIN):
                yield self._storage
        except (RedisError, OSError) as error:
            self._tell(error)
            raise Unavailable("the storage of limits does not answer") from error

    async def change(self, count: Callable[[Storage], Awaitable[Result]]) -> Result:
        """Return what *count*, which is called once, does with the counters.

        Raises Unavailable as `reading` does.
        """
        async with self.reading() as counters:
            return await count(counters)

    async def evicts(self) -> str | None:
        """Return the policy by which the server forgets keys when its memory is full, if it does.

        Raises Unavailable as `reading` does.
        """
        async with self.reading():
            memory = await Redis(connection_pool=self._pool).info("memory")
        policy = str(memory.get("maxmemory_policy", "noeviction"))
        return None if policy == "noeviction" or not memory.get("maxmemory") else policy

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    def _tell(self, error: Exception) -> None:
        if (now := time.monotonic()) - self._told_at >= TELL_AGAIN:
            self._told_at = now
            reason = " ".join(str(error).split()) or type(error).__name__
            log.warning("RATE_LIMIT_STORAGE: the storage of limits does not answer: %s", reason)
