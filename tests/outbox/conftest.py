"""A database whose changes are to be delivered, and extensions that remember what they were given."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from dhq_auth.db import Database
from dhq_auth.events import Source, UsernameChosen, kinds
from dhq_auth.hookspecs import Delivery
from dhq_auth.metrics import Metrics
from dhq_auth.outbox.dispatcher import Dispatcher
from dhq_auth.outbox.numbers import Numbers
from dhq_auth.outbox.owed import Owed
from dhq_auth.outbox.store import newest
from dhq_auth.work import Work
from tests.fixtures.service import FrozenClock

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TIMEOUT = 30.0
"""DELIVERY_TIMEOUT, in seconds of the frozen clock."""


class Receiver:
    """What an extension delivers to; *answer* is what it does with each."""

    def __init__(self, *wanted: str) -> None:
        self.kinds = frozenset(wanted) or kinds()
        self.got: list[Delivery] = []
        self.answer: Callable[[Delivery], Awaitable[None]] | None = None

    async def __call__(self, delivery: Delivery) -> None:
        self.got.append(delivery)
        if self.answer is not None:
            await self.answer(delivery)

    def fails(self, error: Exception | None) -> None:
        """Raise *error* from now on, or, with None, take what comes."""

        async def fail(_: Delivery) -> None:
            assert error is not None
            raise error

        self.answer = None if error is None else fail


@pytest.fixture
def receiver() -> Receiver:
    """The one extension that delivers, `webhook`."""
    return Receiver()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database that is up to date."""
    database = Database(database_url, pool=5, timeout=20)
    yield database
    await database.close()


Make = Callable[..., Work]


@pytest.fixture
def make_work(database: Database, clock: FrozenClock) -> Make:
    """A function that makes changes possible, of which extensions by name are to hear."""

    async def announce(_events: object) -> None:
        return None

    def make(over: Database | None = None, /, **receivers: Receiver) -> Work:
        return Work(over or database, clock, announce, keep=Owed(receivers).keep)

    return make


@pytest.fixture
def work(make_work: Make, receiver: Receiver) -> Work:
    """Changes of which `receiver` is to hear."""
    return make_work(webhook=receiver)


def dispatcher(work: Work, *, calls: int = 10, **receivers: Receiver) -> Dispatcher:
    """Return a new one, as another process has."""
    numbers = Numbers(Metrics(), receivers)
    return Dispatcher(work, receivers, timeout=TIMEOUT, calls=calls, numbers=numbers)


async def turn(dispatcher: Dispatcher) -> None:
    """Look once for what is due, and see it to its end."""
    await dispatcher.turn()
    await dispatcher.landed()


async def happens(work: Work, *names: str) -> None:
    """Let a user take each of *names*."""
    for name in names or ("ada",):
        await work.tell(Source("192.0.2.1", "req"), UsernameChosen(user_id="u1", username=name))


async def rows(work: Work) -> list[dict[str, object]]:
    """Return all deliveries, the oldest first."""
    async with work.read() as db:
        return list(reversed(await newest(db, 1000)))


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait until *check* is true: the database says to nobody when."""
    async with asyncio.timeout(30):
        while not await check():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.05)


def names_of(deliveries: list[Delivery]) -> list[str]:
    """Return the names that were taken, in the order of delivery."""
    return [each.payload["data"]["detail"]["username"] for each in deliveries]
