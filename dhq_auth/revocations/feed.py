"""Those who follow the feed: what they are told, and how they wait for more."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from time import monotonic
from typing import Final

from dhq_auth.errors import Unavailable
from dhq_auth.events import Source
from dhq_auth.revocations import store
from dhq_auth.revocations.memory import Memory
from dhq_auth.revocations.page import Cursor, Page
from dhq_auth.revocations.store import State
from dhq_auth.work import Transaction, Work

PAGE: Final = 500
"""Entries of one page."""
INTERVAL: Final = 0.25
"""Seconds between two looks whether there is something new."""

_log = logging.getLogger(__name__)


class Feed:
    """The feed of revocations, as one process gives it; *followers* may wait for it at a time.

    What it says is forgotten in *memory*.
    """

    def __init__(self, work: Work, *, followers: int, memory: Memory | None = None) -> None:
        self._work = work
        self._followers = followers
        self._memory = memory or Memory()
        self._read_until: int | None = None
        self._looking: asyncio.Task[None] | None = None
        self._sealing = asyncio.Lock()
        self._memory.look_by(self.look)
        self._waiting: Counter[str] = Counter()
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
        try:
            yield True
        finally:
            self._waiting[client] -= 1
            self._waiting += Counter()  # those who have none are forgotten

    async def changed(self, head: int) -> None:
        """Wait until the feed ends elsewhere than at *head*; for whoever has a place.

        Raises Unavailable while the database is away.
        """
        while self._head == head:
            await self._news.wait()
            if self._fault is not None:
                raise self._fault

    async def watch(self) -> None:
        """Look for what is new, until this is cancelled."""
        try:
            while True:
                with suppress(Unavailable):
                    await self.look()
                await asyncio.sleep(INTERVAL)
        finally:
            if self._looking is not None:
                self._looking.cancel()
                await asyncio.gather(self._looking, return_exceptions=True)

    async def look(self) -> None:
        """Take note of what is new; all who ask while one looks share that.

        Raises Unavailable where the feed cannot be read; nothing that is remembered counts then.
        """
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
            self._looking.add_done_callback(self._looked)
        await asyncio.shield(self._looking)

    def _looked(self, look: "asyncio.Task[None]") -> None:
        self._looking = None
        if not look.cancelled():
            look.exception()  # nobody may have waited for it

    async def _look(self) -> None:
        try:
            await self._read_on()
        except Unavailable as error:
            self._tell(error)
            raise
        except Exception as error:  # whoever waits asks again, and so do we
            _log.exception("the feed of revocations cannot be read")
            fault = Unavailable(type(error).__name__)
            self._tell(fault)
            raise fault from error

    async def _read_on(self) -> None:
        """Read what is new; what this process remembers counts for a while longer."""
        began = monotonic()
        state = await self._seal()
        head = state.head
        if self._read_until is None or head < self._read_until:
            self._memory.forget_everything()  # it is another feed: a database that was restored
        elif head > self._read_until:
            await self._forget(self._read_until)
        self._read_until = head
        if not state.unsealed:
            self._memory.vouch(began)
        self._note(head)

    async def _forget(self, position: int) -> None:
        """Forget what the entries after *position* are about."""
        async with self._work.read() as db:
            entries = await store.news(db, position, PAGE + 1)
        if len(entries) > PAGE or any(kind == "kid" for kind, _ in entries):
            self._memory.forget_everything()
        else:
            self._memory.forget(
                ("user" if kind == store.CHANGED else kind, value) for kind, value in entries
            )

    async def _seal(self) -> State:
        """Give positions to what has none, unless another process does it; return how it stands.

        What is `unsealed` then has been there before, and nobody knows what it is about.
        """
        state = await store.glance(self._work.database)
        if not state.unsealed:
            return state

        async def seal(tx: Transaction) -> int | None:
            return await store.seal(tx.db, PAGE)

        async with self._sealing:  # of one process, all wait for what one of them has begun
            while (sealed := await self._work.transact(Source(), seal)) == PAGE:
                pass
        state = await store.glance(self._work.database)
        return state if sealed is None else replace(state, unsealed=False)

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
