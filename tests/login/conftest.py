"""What the tests of logins share: a look into the database of the service."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from dhq_auth.audit import store as audit
from dhq_auth.db import Database

Audited = Callable[[], Awaitable[list[dict[str, Any]]]]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The database of the service, opened beside it."""
    database = Database(database_url, pool=1, timeout=5)
    yield database
    await database.close()


@pytest.fixture
def audited(database: Database) -> Audited:
    """A function that returns the audit log, the oldest first."""

    async def read() -> list[dict[str, Any]]:
        async with database.read() as db:
            return (await audit.latest(db, 100))[::-1]

    return read
