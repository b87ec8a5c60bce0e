"""Carrying what is owed: whoever comes first takes a delivery, tries it, and notes what came of it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Final

from dhq_auth.errors import Unavailable
from dhq_auth.events import Source
from dhq_auth.hookspecs import Delivery, NotDelivered
from dhq_auth.outbox import store
from dhq_auth.outbox.numbers import Numbers
from dhq_auth.outbox.schedule import TRIES, wait_after
from dhq_auth.outbox.store import Claimed
from dhq_auth.plugins.carriers import Carrier
from dhq_auth.work import Transaction, Work

log = logging.getLogger(__name__)

INTERVAL: Final = 1.0
"""Seconds between two looks for what is due; none while a place is free and something is."""
LOOK_BACK: Final = 60.0
"""Seconds between two looks whether the clock was set back, and at how much is owed."""
MARGIN: Final = 10.0
"""Seconds that a claim outlasts the deadline of a try: in them its outcome is noted."""
ENDED_EACH_TIME: Final = "each process that tried ended before it could note what came of it"


class Dispatcher:
    """Delivers by *carriers*, by name, each with at most *calls* tries of *timeout* seconds.

    Several may work on one database, in this process and in others.
    """

    def __init__(
        self,
        work: Work,
        carriers: Mapping[str, Carrier],
        *,
        timeout: float,
        calls: int,
        numbers: Numbers,
    ) -> None:
        self._work = work
        self._carriers = carriers
        self._calls = calls
        self._claim = timedelta(seconds=2 * timeout + MARGIN)
        self._numbers = numbers
        self._busy: Counter[str] = Counter()
        self._flights: set[asyncio.Task[None]] = set()
        self._failing: set[str] = set()
        self._look_back_at = float("-inf")
        self._stumbled = False

    async def run(self) -> None:
        """Deliver for as long as the process lives; then end at once: claims end by themselves."""
        try:
            while self._carriers:
                await self._stumble_over_nothing(self.turn)
                await self._pause()
        finally:
            for flight in self._flights:
                flight.cancel()
            await asyncio.gather(*self._flights, return_exceptions=True)

    async def turn(self) -> None:
        """Begin to try what is due, as much of it as there are places for.

        Raises Unavailable.
        """
        if asyncio.get_running_loop().time() >= self._look_back_at:
            await self._look_back()
        free = [name for name in self._carriers if self._busy[name] < self._calls]
        async with self._work.read() as db:
            due = await store.destinations_due(db, free, self._work.now())
        for name in due:
            claim = partial(self._claimed, name, self._calls - self._busy[name])
            for each in await self._work.transact(Source(), claim):
                self._begin(name, each)

    async def landed(self) -> None:
        """Wait until all that was begun has come to its end."""
        while self._flights:
            await asyncio.wait(self._flights)

    async def _claimed(self, name: str, limit: int, tx: Transaction) -> list[Claimed]:
        return await store.claim(tx.db, name, tx.now, tx.now + self._claim, limit)

    def _begin(self, name: str, claimed: Claimed) -> None:
        self._busy[name] += 1
        flight = asyncio.create_task(self._stumble_over_nothing(partial(self._try, name, claimed)))
        self._flights.add(flight)
        flight.add_done_callback(partial(self._end, name))

    def _end(self, name: str, flight: asyncio.Task[None]) -> None:
        self._busy[name] -= 1
        self._flights.discard(flight)

    async def _try(self, name: str, claimed: Claimed) -> None:
        end = asyncio.get_running_loop().time() + self._claim.total_seconds()
        try:
            if claimed.attempts > TRIES:
                raise NotDelivered(ENDED_EACH_TIME, for_good=True)
            await self._carriers[name](
                Delivery(claimed.id, claimed.kind, claimed.attempts, claimed.payload)
            )
        except NotDelivered as failure:
            wait = None if failure.for_good else wait_after(claimed.attempts, failure.retry_after)
            self._tell_failure(name, claimed, failure, wait)
            note = partial(_note_failure, claimed, failure.reason, wait)
        else:
            self._tell_success(name)
            note = partial(_note_success, claimed)
        await self._noted(note, end)

    async def _noted(self, note: Callable[[Transaction], Awaitable[None]], end: float) -> None:
        """Do *note*, again and again while the database is away, until the claim *end*s."""
        while True:
            try:
                return await self._work.transact(Source(), note)
            except Unavailable:
                if asyncio.get_running_loop().time() > end:
                    raise
            await asyncio.sleep(INTERVAL)

    def _tell_failure(
        self, name: str, claimed: Claimed, failure: NotDelivered, wait: timedelta | None
    ) -> None:
        self._numbers.tried(name, "failed" if wait else "given_up")
        if wait is None:
            log.warning(
                "extension %s: delivery %s (%s) is given up after %d tries: %s",
                *(name, claimed.id, claimed.kind, claimed.attempts, failure.reason),
            )
        elif name not in self._failing:
            self._failing.add(name)
            log.warning("extension %s does not deliver; we try again: %s", name, failure.reason)

    def _tell_success(self, name: str) -> None:
        self._numbers.tried(name, "delivered")
        if name in self._failing:
            self._failing.discard(name)
            log.info("extension %s delivers again", name)

    async def _look_back(self) -> None:
        async def set_right(tx: Transaction) -> None:
            await store.set_right(tx.db, list(self._carriers), tx.now)

        await self._work.transact(Source(), set_right)
        async with self._work.read() as db:
            self._numbers.owed(await store.counts(db, list(self._carriers)), self._work.now())
        self._look_back_at = asyncio.get_running_loop().time() + LOOK_BACK

    async def _stumble_over_nothing(self, step: Callable[[], Awaitable[None]]) -> None:
        """Do *step*; a failure is told once, and what it left undone is done another time."""
        try:
            await step()
        except Unavailable as error:
            if not self._stumbled:
                log.warning("deliveries are put off: %s", error)
            self._stumbled = True
        except Exception:  # what is owed stays owed
            if not self._stumbled:
                log.exception("deliveries failed")
            self._stumbled = True
        else:
            self._stumbled = False

    async def _pause(self) -> None:
        if self._flights:
            first = asyncio.FIRST_COMPLETED
            await asyncio.wait(self._flights, timeout=INTERVAL, return_when=first)
        else:
            await asyncio.sleep(INTERVAL)


async def _note_success(claimed: Claimed, tx: Transaction) -> None:
    await store.mark_delivered(tx.db, claimed.id, tx.now)


async def _note_failure(
    claimed: Claimed, reason: str, wait: timedelta | None, tx: Transaction
) -> None:
    await store.mark_failed(tx.db, claimed, reason, tx.now, None if wait is None else tx.now + wait)
