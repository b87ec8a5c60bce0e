"""Bringing a database to the revision that the program needs."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from dhq_auth import migrations
from dhq_auth.db import Database, metadata
from dhq_auth.errors import StartRefused
from dhq_auth.migrations import lock

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def database(empty_url: str) -> AsyncIterator[Database]:
    """A database in which nothing is yet."""
    database = Database(empty_url, pool=2, timeout=20)
    yield database
    await database.close()


async def tables(database: Database) -> list[str]:
    async with database.read() as db:
        return await db.run_sync(lambda connection: inspect(connection).get_table_names())


@pytest.mark.slow
async def test_the_migrations_make_what_the_code_expects(database: Database) -> None:
    def differences(connection: Connection) -> Any:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return compare_metadata(context, metadata)

    assert await migrations.upgrade(database) is None
    async with database.write() as db:
        assert await db.run_sync(differences) == []


@pytest.mark.parametrize("empty_url", ["postgresql"], indirect=True)
@pytest.mark.postgres
async def test_constraints_are_called_what_the_code_calls_them(database: Database) -> None:
    def names(connection: Connection) -> set[str | None]:
        tables = inspect(connection)
        return {
            constraint["name"]
            for table in metadata.tables
            for constraint in (
                *tables.get_unique_constraints(table),
                *tables.get_foreign_keys(table),
                *tables.get_indexes(table),
                tables.get_pk_constraint(table),
            )
        }

    await migrations.upgrade(database)
    async with database.read() as db:
        found = await db.run_sync(names)
    expected = {
        *(index.name for table in metadata.tables.values() for index in table.indexes),
        *(
            str(constraint.name)
            for table in metadata.tables.values()
            for constraint in table.constraints
        ),
    }
    assert found == expected


async def test_the_program_needs_the_newest_revision(database: Database) -> None:
    async with database.read() as db:
        script = await db.run_sync(
            lambda connection: ScriptDirectory.from_config(migrations.config(connection))
        )
    assert script.get_current_head() == migrations.HEAD


async def test_a_second_upgrade_changes_nothing(database: Database) -> None:
    await migrations.upgrade(database)
    assert await migrations.upgrade(database) == migrations.HEAD


@pytest.mark.slow
async def test_many_upgrades_at_once_all_succeed(empty_url: str) -> None:
    databases = [Database(empty_url, pool=1, timeout=20) for _ in range(12)]
    await asyncio.gather(*(migrations.upgrade(each) for each in databases))
    assert {await migrations.current(each) for each in databases} == {migrations.HEAD}
    for each in databases:
        await each.close()


@pytest.mark.slow
@pytest.mark.postgres
async def test_many_upgrades_at_once_all_succeed_where_changes_are_serializable(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Who waits sees what the other did, though the own transaction began before that ended."""
    url = f"{postgres_url}?default_transaction_isolation=serializable"
    with caplog.at_level(logging.INFO, "dhq_auth"):
        await test_many_upgrades_at_once_all_succeed(url)
    assert caplog.messages == [f"the database was upgraded from nothing to {migrations.HEAD}"]


@pytest.mark.process
async def test_processes_that_start_at_once_all_come_up_with_the_same_keys(empty_url: str) -> None:
    command = [sys.executable, "-m", "tests.migrations.start", empty_url]
    pipe, environ = subprocess.PIPE, {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [
        await asyncio.create_subprocess_exec(
            *command, env=environ, stdin=pipe, stdout=pipe, stderr=pipe
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    ends = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [errors for _, errors in ends] == [b""] * 3
    assert len({keys for keys, _ in ends}) == 1
    assert len(ends[0][0].split()) == 2


@pytest.mark.slow
async def test_an_upgrade_waits_for_that_of_another(database: Database, empty_url: str) -> None:
    """However short DATABASE_TIMEOUT is: the other may have much to do."""
    hasty = Database(empty_url, pool=1, timeout=0.5)
    await lock.prepare(hasty)
    async with database.write() as db:
        await lock.take(db)
        waiting = asyncio.create_task(migrations.upgrade(hasty))
        done, _ = await asyncio.wait({waiting}, timeout=1)
        assert not done
    await waiting
    assert await migrations.current(hasty) == migrations.HEAD
    await hasty.close()


async def test_a_database_of_a_newer_program_is_left_alone(database: Database) -> None:
    await migrations.upgrade(database)
    async with database.write() as db:
        await db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await db.execute(text("UPDATE compatibility SET oldest = '9999'"))
    before = await tables(database)
    with pytest.raises(StartRefused, match=r"^DATABASE_URL: the database is at revision 9999"):
        await migrations.upgrade(database)
    assert await tables(database) == before
    assert await migrations.current(database) == "9999"


async def test_a_database_of_somebody_else_is_left_alone(database: Database) -> None:
    async with database.write() as db:
        await db.execute(text("CREATE TABLE users (id INTEGER, nick TEXT)"))
        await db.execute(text("INSERT INTO users VALUES (1, 'ada')"))
    with pytest.raises(
        StartRefused, match=r"users which is not that of dhq-auth 0\.1\.6.*id, nick"
    ):
        await migrations.upgrade(database)
    assert await tables(database) == ["users"]
    async with database.read() as db:
        assert (await db.execute(text("SELECT * FROM users"))).all() == [(1, "ada")]


async def test_an_upgrade_is_one_line_in_the_log(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await migrations.upgrade(database)
    assert caplog.messages == [f"the database was upgraded from nothing to {migrations.HEAD}"]


@pytest.mark.slow
async def test_a_start_on_a_database_that_is_up_to_date_loads_no_alembic(
    database_url: str,
) -> None:
    program = (
        "import asyncio, sys\n"
        "from dhq_auth import migrations\n"
        "from dhq_auth.db import Database\n"
        "async def main():\n"
        f"    database = Database({database_url!r}, pool=1, timeout=20)\n"
        "    await migrations.upgrade(database)\n"
        "    await database.close()\n"
        "asyncio.run(main())\n"
        "sys.exit('alembic' in sys.modules)\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=ROOT)
    assert await process.wait() == 0
