"""Fixtures: hashing that costs next to nothing, transactions on a database of one's own."""

from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from dhq_auth.clock import Clock
from dhq_auth.db import Database
from dhq_auth.events import Event
from dhq_auth.passwords.hashing import Argon2Cost, PasswordHasher
from dhq_auth.work import Work

CHEAP = Argon2Cost(time=1, memory=8)


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    """A hasher of the least possible cost, for which nobody need wait."""
    hasher = PasswordHasher(CHEAP, queue=100)
    yield hasher
    hasher.close()


@pytest.fixture
async def work(database_url: str, clock: Clock) -> AsyncIterator[Work]:
    """Transactions on a database that is up to date."""

    async def announce(_events: Sequence[Event]) -> None:
        """Tell nobody."""

    database = Database(database_url, pool=5, timeout=20)
    yield Work(database, clock, announce)
    await database.close()
