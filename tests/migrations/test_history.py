"""Versions beside each other: an upgrade that only adds leaves the one before running."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, inspect, text

from dhq_auth import migrations
from dhq_auth.db import Database
from dhq_auth.errors import StartRefused
from dhq_auth.migrations import HEAD
from dhq_auth.migrations.history import Step, oldest_program, steps_after
from dhq_auth.migrations.state import State, state_of
from tests.fixtures.service import Start

STEPS = ["0004"]
"""Revisions that say that the program before works with them; each new one is to be named here."""


@pytest.fixture
async def database(empty_url: str) -> AsyncIterator[Database]:
    """A database in which nothing is yet."""
    database = Database(empty_url, pool=2, timeout=20)
    yield database
    await database.close()


async def at(database: Database, revision: str) -> dict[str, Any]:
    """Bring *database* to *revision*; return what a program can see of its tables."""

    def upgraded(connection: Connection) -> dict[str, Any]:
        command.upgrade(migrations.config(connection), revision)
        return shape(connection)

    async with database.write() as db:
        return await db.run_sync(upgraded)


def shape(connection: Connection) -> dict[str, Any]:
    look = inspect(connection)
    return {
        table: {
            "columns": {column["name"]: column for column in look.get_columns(table)},
            "unique": [
                *(
                    set(index["column_names"])
                    for index in look.get_indexes(table)
                    if index["unique"]
                ),
                *(set(each["column_names"]) for each in look.get_unique_constraints(table)),
            ],
            "references": look.get_foreign_keys(table),
        }
        for table in look.get_table_names()
    }


@pytest.mark.slow
@pytest.mark.parametrize("revision", STEPS)
async def test_a_revision_that_says_so_takes_nothing_from_the_program_before(
    database: Database, revision: str
) -> None:
    async with database.read() as db:
        everything = await db.run_sync(steps_after, None)
    (before,) = (step.works_with for step in everything if step.revision == revision)
    old, new = await at(database, before), await at(database, revision)
    assert old.keys() <= new.keys()
    for table, was in old.items():
        now = new[table]
        for name, column in was["columns"].items():
            assert str(now["columns"][name]["type"]) == str(column["type"])
            assert now["columns"][name]["nullable"] or not column["nullable"]
        added = now["columns"].keys() - was["columns"].keys()
        for name in added:  # a program that does not know it must be able to leave it out
            column = now["columns"][name]
            assert column["nullable"] or column["default"] is not None, f"{table}.{name}"
        assert all(names & added for names in now["unique"] if names not in was["unique"])
        assert len(now["references"]) == len(was["references"])


async def test_every_revision_of_which_that_is_said_is_tried_here(database: Database) -> None:
    async with database.read() as db:
        everything = await db.run_sync(steps_after, None)
    assert [step.revision for step in everything if step.only_adds] == STEPS
    assert everything[-1].revision == HEAD


async def ahead(database: Database, oldest: str) -> None:
    """Let a newer version upgrade *database*, which leaves programs from *oldest* on running."""
    await migrations.upgrade(database)
    async with database.write() as db:
        await db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await db.execute(text("UPDATE compatibility SET oldest = :oldest"), {"oldest": oldest})


async def test_an_upgrade_notes_which_programs_it_leaves_running(database: Database) -> None:
    await migrations.upgrade(database)
    async with database.read() as db:
        assert await db.run_sync(oldest_program) == "0003"


@pytest.mark.slow
async def test_a_newer_database_that_leaves_room_is_used(database: Database, start: Start) -> None:
    await ahead(database, HEAD)
    assert await state_of(database) == (State.AHEAD, "9999")
    service = await start(DATABASE_URL=database.url.render_as_string(hide_password=False))
    assert (await service.browser.get("/readyz")).status == 200
    sent = {"username": "ada", "password": "correct horse battery staple"}
    assert (await service.browser.post("/auth/register", json=sent)).status == 201


async def test_a_newer_database_that_leaves_none_is_refused(database: Database) -> None:
    await ahead(database, "9999")
    assert await state_of(database) == (State.NEWER, "9999")
    with pytest.raises(StartRefused, match="start the newer version"):
        await migrations.upgrade(database)


def test_a_step_only_adds_if_an_older_program_works_with_it() -> None:
    assert Step("0004", "", "0003").only_adds
    assert not Step("0004", "", "0004").only_adds
