"""Fixtures: a database of its own for each test, with and without a service in front of it."""

from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from dhq_auth.clock import Clock
from dhq_auth.db import Database
from dhq_auth.events import Event
from dhq_auth.work import Work
from tests.fakes.postgres import PostgresServer
from tests.fakes.proxy import Proxy

TIMEOUT = 1.0
"""DATABASE_TIMEOUT where a test waits for it, in seconds."""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database that is up to date."""
    database = Database(database_url, pool=5, timeout=20)
    yield database
    await database.close()


@pytest.fixture
def announced() -> list[Event]:
    """What `work` has announced."""
    return []


@pytest.fixture
def work(database: Database, clock: Clock, announced: list[Event]) -> Work:
    """Transactions on the database."""

    async def announce(events: Sequence[Event]) -> None:
        announced.extend(events)

    return Work(database, clock, announce)


@pytest.fixture
def serializable_url(postgres: PostgresServer, postgres_template: str) -> Iterator[str]:
    """The DATABASE_URL of a database whose transactions are SERIALIZABLE."""
    name = postgres.create(postgres_template)
    # Who waits for each other is found out at once, instead of after a second.
    for setting in ("default_transaction_isolation = 'serializable'", "deadlock_timeout = '10ms'"):
        postgres.execute(f"ALTER DATABASE {name} SET {setting}")
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
async def proxy(postgres: PostgresServer) -> AsyncIterator[Proxy]:
    """A proxy in front of PostgreSQL."""
    async with Proxy(postgres.port) as proxy:
        yield proxy
