"""Those who follow the feed: what they are told, and how they wait for more."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from dhq_auth.errors import Unavailable
from dhq_auth.events import Source
from dhq_auth.revocations import store
from dhq_auth.revocations.page import Cursor, Page
from dhq_auth.work import Transaction, Work

PAGE: Final = 500
"""Entries of one page."""
INTERVAL: Final = 0.4
"""Seconds between two looks whether there is something new, while anybody waits for it."""

_log = logging.getLogger(__name__)


class Feed:
    """The feed of revocations, as one process gives it; *followers* may wait for it at a time."""

    def __init__(self, work: Work, *, followers: int) -> None:
        self._work = work
        self._followers = followers
        self._waiting: Counter[str] = Counter()
        self._followed = asyncio.Event()
        self._head = -1
        self._fault: Unavailable | None = None
        self._news = asyncio.Event()

    async def page(self, since: Cursor | None) -> Page:
        """Return what there is after *since*, or of all that counts, one page at most.

        Raises RevocationsGone as the store does; Unavailable while the database is away.
        """
        await self._seal()
        async with self._work.read() as db:
            page = await store.page(db, since, PAGE)
        self._note(page.head)
        return page

    @asynccontextmanager
    async def place(self, client: str) -> AsyncIterator[bool]:
        """Give *client* a place among those who wait; False where there is none.

        One client has half of them at most.
        """
        free = (
            self._waiting.total() < self._followers
            and self._waiting[client] < (self._followers + 1) // 2
        )
        if not free:
            yield False
            return
        self._waiting[client] += 1
        self._followed.set()
        try:
            yield True
        finally:
            self._waiting[client] -= 1
            self._waiting += Counter()  # those who have none are forgotten
            if not self._waiting:
                self._followed.clear()

    async def changed(self, head: int) -> None:
        """Wait until the feed ends elsewhere than at *head*; for whoever has a place.

        Raises Unavailable while the database is away.
        """
        while self._head == head:
            await self._news.wait()
            if self._fault is not None:
                raise self._fault

    async def watch(self) -> None:
        """Look for what is new for as long as somebody waits for it, until this is cancelled."""
        while True:
            await self._followed.wait()
            try:
                self._note(await self._seal())
            except Unavailable as error:
                self._tell(error)
            except Exception as error:  # noqa: BLE001 - whoever waits asks again, and so do we
                _log.exception("the feed of revocations cannot be read")
                self._tell(Unavailable(type(error).__name__))
            await asyncio.sleep(INTERVAL)

    async def _seal(self) -> int:
        """Give positions to what has none, unless another process does it; return the last one."""
        async with self._work.read() as db:
            state = await store.state(db)
        if not state.unsealed:
            return state.head

        async def seal(tx: Transaction) -> int | None:
            return await store.seal(tx.db, PAGE)

        while await self._work.transact(Source(), seal) == PAGE:
            pass
        async with self._work.read() as db:
            return (await store.state(db)).head

    def _note(self, head: int) -> None:
        if head != self._head or self._fault is not None:
            self._head, self._fault = head, None
            self._wake()

    def _tell(self, fault: Unavailable) -> None:
        self._fault = fault
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
