"""Fixtures: failures counted in each storage there is, as the settings say."""

from collections.abc import AsyncIterator, Callable

import pytest

from dhq_auth.clock import Clock
from dhq_auth.db import Database
from dhq_auth.settings import from_environ
from dhq_auth.throttle.failures import LoginFailures
from dhq_auth.work import Work
from tests.fixtures.service import FrozenClock

Make = Callable[..., LoginFailures]


async def announce(_events: object) -> None:
    return None


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database that is up to date."""
    database = Database(database_url, pool=5, timeout=20)
    yield database
    await database.close()


@pytest.fixture
def work(database: Database, clock: Clock) -> Work:
    """Transactions on the database."""
    return Work(database, clock, announce)


@pytest.fixture
def storage(request: pytest.FixtureRequest) -> dict[str, str]:
    """The variables of where failures are counted: `database` or `valkey`."""
    if getattr(request, "param", "database") == "database":
        return {}
    return {"RATE_LIMIT_STORAGE": request.getfixturevalue("valkey_url")}


@pytest.fixture
async def make(work: Work, storage: dict[str, str]) -> AsyncIterator[Make]:
    """A function that makes failures by the settings, as each replica does, with another *clock*."""
    made: list[LoginFailures] = []

    def make_failures(
        *, clock: FrozenClock | None = None, max_waiting: int = 100, **environ: str
    ) -> LoginFailures:
        settings = from_environ({"LOGIN_SLOWDOWN": "0", **storage, **environ})
        ours = Work(work.database, clock, announce) if clock else work
        made.append(LoginFailures(settings, ours, max_waiting=max_waiting))
        return made[-1]

    yield make_failures
    for failures in made:
        await failures.close()


@pytest.fixture
def failures(make: Make) -> LoginFailures:
    """Failures by the default settings, but that nobody waits."""
    return make()
