"""Behind a pooler that gives a connection for one transaction, nothing may be kept on it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from dhq_auth.errors import StartRefused, Unavailable
from tests.fakes.pgbouncer import PgBouncer
from tests.fakes.postgres import PostgresServer
from tests.fixtures.service import Start
from tests.self_service.people import ask, registered

POOL = 2
"""Connections to the server, for more than twice as many of the services'."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for what runs as nobody, which cannot look into those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
async def pooled_url(
    postgres: PostgresServer, postgres_template: str, folder: Path
) -> AsyncIterator[str]:
    """The DATABASE_URL of a fresh database behind PgBouncer in transaction mode."""
    name = postgres.create(postgres_template)
    async with PgBouncer(postgres, folder / "pooler", connections=POOL) as pooler:
        yield pooler.url(name)
    postgres.drop(name)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it is not looked at
@pytest.mark.slow
@pytest.mark.postgres
async def test_services_share_few_connections_without_prepared_statements(
    start: Start, pooled_url: str
) -> None:
    environ = {
        "DATABASE_URL": f"{pooled_url}?statement_cache_size=0",
        "EXTERNAL_ADDRESS": "http://localhost:8000",
        "SECRET_KEY": "k" * 43,
    }
    replicas = [await start(**environ) for _ in range(2)]
    alice = await registered(replicas[0], "alice")
    answers = await asyncio.gather(
        *(ask(each, "POST", "/auth/tokens", bearer=alice.token, json={}) for each in replicas * 5),
        *(ask(each, "GET", "/auth/check", bearer=alice.token) for each in replicas * 10),
    )
    assert [status for status, _ in answers] == [201] * 10 + [200] * 20


@pytest.mark.postgres
async def test_who_shares_connections_but_keeps_statements_is_told_what_to_set(
    pooled_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = (Database(pooled_url, pool=POOL, timeout=10) for _ in range(2))
    await one.ping()
    async with other.read() as db:  # it has the server's connection, on which that was prepared
        await db.execute(text("SELECT 2"))
        with pytest.raises(Unavailable):
            await one.ping()
    assert "add ?statement_cache_size=0" in caplog.text
    await one.close()
    await other.close()


@pytest.mark.parametrize("said", ["many", "-1", "1&statement_cache_size=2"])
async def test_how_many_statements_are_kept_is_a_number(said: str) -> None:
    with pytest.raises(StartRefused, match=r"^DATABASE_URL: statement_cache_size"):
        Database(f"postgresql://localhost/x?statement_cache_size={said}", pool=1, timeout=1)
