"""The asyncio engine comes without the ORM, and the ORM is there for whoever wants it."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from tests.fakes.postgres import PostgresServer

AFTERWARDS = {
    "a plugin may use sessions": "from sqlalchemy.ext.asyncio import AsyncSession; AsyncSession()",
    "the engine stays the same": (
        "import sqlalchemy.ext.asyncio as whole; from dhq_auth.engine import AsyncEngine;"
        "assert whole.AsyncSession and whole.AsyncEngine is AsyncEngine"
    ),
}


def run(program: str) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)  # noqa: S603


@pytest.mark.slow
def test_the_service_does_not_load_the_orm():
    run("import sys, dhq_auth.app; assert 'sqlalchemy.orm' not in sys.modules")


@pytest.mark.slow
@pytest.mark.parametrize("program", AFTERWARDS.values(), ids=AFTERWARDS)
def test_who_asks_for_it_gets_the_whole_package(program):
    run(f"import dhq_auth.app; {program}")


@pytest.mark.slow
def test_a_package_that_was_loaded_before_is_left_alone():
    run(
        "import sqlalchemy.ext.asyncio as p, dhq_auth.engine as our; assert p.AsyncEngine is our.AsyncEngine"
    )


PRETEND = """
SET allow_system_table_mods = on;
CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql
AS $$ SELECT 'CockroachDB CCL v25.2.1 (x86_64-pc-linux-gnu, built 2025/06/20, go1.23.7)' $$;
UPDATE pg_type SET typname = 'no_json' WHERE typname = 'json';
"""


async def test_a_connection_that_is_given_up_while_it_closes_keeps_nobody_waiting(tmp_path):
    """The driver would wait for a thread that is gone; the process would not end."""
    database = Database(f"sqlite:///{tmp_path}/some.db", pool=1, timeout=5)
    async with database.read() as db:
        driver = (await db.get_raw_connection()).driver_connection
        driver.stop()
        async with asyncio.timeout(5):
            with pytest.raises(ValueError, match="Connection closed"):
                await driver.close()
        await db.invalidate()
    await database.close()


async def write(database: Database) -> None:
    async with database.write():
        pass


@pytest.mark.slow
async def test_a_database_is_closed_once_nothing_is_under_way_in_it(tmp_path):
    """A thread that comes back later would find no event loop to tell."""
    database = Database(f"sqlite:///{tmp_path}/some.db", pool=1, timeout=5)
    async with database.write() as db:
        await db.execute(text("CREATE TABLE some (id INTEGER)"))
    before = set(threading.enumerate())
    with closing(sqlite3.connect(tmp_path / "some.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(write(database))
        for _ in range(2):  # while it waits for the lock, and again while its connection closes
            await asyncio.sleep(0.05)
            waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        given_up = {each for each in before if "_connection_worker_thread" in each.name}
        assert any(each.is_alive() for each in given_up)
        await database.close()
        assert not any(each.is_alive() for each in given_up)


@pytest.mark.postgres
async def test_a_server_that_only_speaks_like_postgresql_is_spoken_to(
    postgres: PostgresServer,
) -> None:
    """CockroachDB names no version of PostgreSQL, and its JSON is called `jsonb` alone."""
    name = postgres.create()
    postgres.execute(PRETEND, name)
    database = Database(postgres.url(name), pool=1, timeout=20)
    async with database.write() as db:
        assert "Cockroach" in (await db.execute(text("SELECT version()"))).scalar_one()
        assert (await db.execute(text("""SELECT '{"n": 1}'::jsonb"""))).scalar_one() == {"n": 1}
    await database.close()
    postgres.drop(name)
