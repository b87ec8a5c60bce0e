"""Fixtures: names and passwords judged without HTTP, by hashers that the tests look into."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from dhq_auth.access.accounts import Names, add_account
from dhq_auth.access.password_login import PasswordLogins
from dhq_auth.db import Database
from dhq_auth.events import Source
from dhq_auth.passwords.hashing import PasswordHasher
from dhq_auth.settings import from_environ
from dhq_auth.throttle.failures import LoginFailures
from dhq_auth.throttle.rates import RateLimit
from dhq_auth.work import Work
from tests.fixtures.keys import load_keys
from tests.fixtures.service import FrozenClock

MakeLogins = Callable[[PasswordHasher], Awaitable[PasswordLogins]]


@pytest.fixture
async def work(database_url: str, clock: FrozenClock) -> AsyncIterator[Work]:
    """Transactions on a database that is up to date."""
    database = Database(database_url, pool=5, timeout=20)
    yield Work(database, clock, announce)
    await database.close()


@pytest.fixture
def make_logins(work: Work, database_url: str, clock: FrozenClock) -> MakeLogins:
    """A function that gives the judge of names and passwords with a hasher of the test's own."""

    async def make(hasher: PasswordHasher) -> PasswordLogins:
        settings = from_environ({"DATABASE_URL": database_url})
        checks = RateLimit(100, clock, refusal="enough", name="checks")
        keys = await load_keys(work.database, settings, clock)
        return PasswordLogins(work, hasher, LoginFailures(settings, work), checks, keys)

    return make


async def add(work: Work, names: Names, hashed: str) -> None:
    """Add an account, as one who registers does."""
    await work.transact(Source(), lambda tx: add_account(tx, names, hashed, vouched=False))


async def announce(_events: object) -> None:
    """Tell nobody."""
