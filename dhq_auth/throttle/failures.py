"""Failed logins: so many for an account from one address, and slowly once there are very many.

What is counted are attempts, before they are judged, and a success takes the count back: of those
that come at once no one too many is judged. Two counters are kept:

- of the account at the address (with IPv6 its whole /64): beyond LOGIN_ATTEMPTS in LOGIN_WINDOW
  there is 429, until the window is over that began with the first;
- of the account from anywhere: beyond a hundred in a row each attempt waits before it is judged,
  and each address has one instead of LOGIN_ATTEMPTS. It is never refused altogether: at an address
  without failures the owner gets in, and a success ends it. After a day it is over by itself.

Of a name and an address only a digest is kept.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING, Final, Protocol

from dhq_auth.db import Result
from dhq_auth.errors import TooManyRequests
from dhq_auth.settings import Settings
from dhq_auth.throttle.rates import client_of
from dhq_auth.work import Work

if TYPE_CHECKING:
    from limits.aio.storage import Storage

SLOW_AFTER: Final = 100
"""Attempts in a row at one account, from anywhere, after which its logins are slow."""
REMEMBERED: Final = 86400
"""Seconds from the first of them until they are forgotten."""
MAX_WAITING: Final = 256
"""Attempts that wait in one process at the same time."""

NAME: Final = "login_failures"
"""What this limit is called in metrics."""

BEYOND = "There were too many attempts to log in to this account from here; wait a little."
CROWDED = "Too many attempts to log in are waiting; try again."


class _Counters(Protocol):
    """Where is counted: in the database, or in a Redis."""

    def now(self) -> float: ...
    def reading(self) -> "AbstractAsyncContextManager[Storage]": ...
    async def change(self, count: "Callable[[Storage], Awaitable[Result]]") -> Result: ...
    async def close(self) -> None: ...


class LoginFailures:
    """The failures of every account, shared by all processes that share the storage.

    *account* is the id of the user, or the folded name where there is none; *address* is the
    client's. Every method raises Unavailable when the storage does not answer: nobody gets in then.
    """

    def __init__(self, settings: Settings, work: Work, *, max_waiting: int = MAX_WAITING) -> None:
        self._attempts = settings.limits.login_attempts
        self._window = int(settings.limits.login_window.total_seconds())
        self._slow_down = settings.limits.login_slowdown
        self._settings = settings
        self._work = work
        self._max_waiting = max_waiting
        self._waiting = 0
        self._opened: _Counters | None = None

    async def begin(self, account: str, address: str) -> None:
        """Count one attempt before it is judged, and wait where logins are slow.

        Raises TooManyRequests for the one too many, which is not to be judged.
        """
        if await self._counted(account, address):
            await self._wait(account, address)

    async def admits(self, account: str, address: str) -> bool:
        """Count one attempt as `begin` does, but tell and show nobody; say whether to judge it.

        For an account that the caller has perhaps not named: that it is there is a secret.
        """
        try:
            await self._counted(account, address)
        except TooManyRequests:
            return False
        return True

    async def not_judged(self, account: str, address: str) -> None:
        """Take back one attempt that was counted, but that nobody had the time to judge."""
        here, anywhere = _keys(account, address)

        async def take_back(counters: "Storage") -> None:
            for key, window in ((here, self._window), (anywhere, REMEMBERED)):
                if await counters.get(key) > 0:  # its time may be over meanwhile
                    await counters.incr(key, window, amount=-1)

        await self._counters.change(take_back)

    async def check(self, account: str, address: str) -> None:
        """Raise TooManyRequests where an attempt would be one too many; count nothing.

        For a password that was found right a moment ago: were the right one answered where others
        are refused, one could go on guessing.
        """
        here, anywhere = _keys(account, address)
        async with self._counters.reading() as counters:
            failed = await self._hits(counters, here, self._window)
            if not failed:
                return
            slow = await self._hits(counters, anywhere, REMEMBERED) >= SLOW_AFTER
            if slow or failed >= self._attempts:
                raise await self._beyond(counters, here)

    async def is_first_refusal(self, account: str, address: str) -> bool:
        """Whether this refusal of one too many is the first in LOGIN_WINDOW, which is to be told."""
        key = _digest("refused", client_of(address), account)
        async with self._counters.reading() as counters:
            if await self._hits(counters, key, self._window):
                return False  # whoever goes on regardless costs no write
        return await self._counters.change(lambda counters: counters.incr(key, self._window)) == 1

    async def succeeded(self, account: str, address: str) -> None:
        """Forget the failures of the account at this address, and that there were many."""
        here, anywhere = _keys(account, address)

        async def forget(counters: "Storage") -> None:
            # In the order in which they are counted, so that two never wait for each other.
            await counters.clear(here)
            await counters.clear(anywhere)

        await self._counters.change(forget)

    async def close(self) -> None:
        """Close the storage, if it was used at all."""
        if self._opened:
            await self._opened.close()

    @property
    def _counters(self) -> _Counters:
        """The storage; opened when the first password comes, since `limits` and redis are large."""
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> _Counters:
        if (url := self._settings.rate_limit_storage) is None:
            from dhq_auth.throttle.in_database import InDatabase  # noqa: PLC0415 - see above

            return InDatabase(self._work)
        from dhq_auth.throttle.in_redis import InRedis  # noqa: PLC0415 - see above

        return InRedis(url, timeout=self._settings.limits.database_timeout)

    async def _hits(self, counters: "Storage", key: str, window: int) -> int:
        """Return how often *key* was counted, unless that is from before the clock was set back."""
        hits = await counters.get(key)
        if hits and await counters.get_expiry(key) > self._counters.now() + 2 * window:
            return 0
        return hits

    async def _beyond(self, counters: "Storage", key: str) -> TooManyRequests:
        left = await counters.get_expiry(key) - self._counters.now()
        return TooManyRequests(BEYOND, retry_after=max(1, ceil(left)), limit=NAME)

    async def _counted(self, account: str, address: str) -> bool:
        """Count one attempt; say whether it has to wait. Raises TooManyRequests as `begin` does."""
        await self.check(account, address)  # whoever goes on regardless costs no write
        here, anywhere = _keys(account, address)

        async def count(counters: "Storage") -> bool:
            failed = await counters.incr(here, self._window)
            if failed > self._attempts:
                raise await self._beyond(counters, here)
            slow = await counters.incr(anywhere, REMEMBERED) > SLOW_AFTER
            if slow and failed > 1:
                raise await self._beyond(counters, here)
            return slow

        return await self._counters.change(count)

    async def _wait(self, account: str, address: str) -> None:
        """Let LOGIN_SLOWDOWN pass; what cannot wait is not judged, so it does not count here."""
        if self._waiting >= self._max_waiting:
            here, _ = _keys(account, address)
            await self._counters.change(lambda counters: counters.clear(here))
            wait = max(1, ceil(self._slow_down))
            raise TooManyRequests(CROWDED, retry_after=wait, limit=NAME)
        self._waiting += 1
        try:
            await asyncio.sleep(self._slow_down)
        finally:
            self._waiting -= 1


def _keys(account: str, address: str) -> tuple[str, str]:
    """Return the keys of the account at the address, and of the account from anywhere."""
    return _digest("here", client_of(address), account), _digest("anywhere", account)


def _digest(*parts: str) -> str:
    # A typed name may be of half characters, which UTF-8 does not know (RFC 8259 8.2).
    return sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()
