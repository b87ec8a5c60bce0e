"""A glance: one statement that goes to the driver as it is."""

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.exc import DBAPIError

from dhq_auth.db import Database

notes = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("text", String))
quoted = select(notes.c.id, notes.c.text).where(notes.c.text == "100 % 'ours'")


async def write(database: Database, text: str) -> None:
    async with database.write() as db:
        await db.run_sync(notes.create, checkfirst=True)
        await db.execute(insert(notes).values(text=text))


async def test_a_glance_sees_what_was_committed(database: Database) -> None:
    await write(database, "another")
    assert await database.glance(quoted) == []
    await write(database, "100 % 'ours'")
    assert await database.glance(quoted) == [(2, "100 % 'ours'")]


async def test_a_glance_leaves_no_connection_behind(database: Database) -> None:
    await write(database, "some")
    for _ in range(20):
        await database.glance(quoted)
    assert all(pool.checkedout() == 0 for pool in database.pools.values())


async def test_what_a_glance_cannot_say_the_database_says(database: Database) -> None:
    unknown = Table("nowhere", MetaData(), Column("id", Integer))
    with pytest.raises(DBAPIError, match="nowhere"):
        await database.glance(select(unknown))
    async with database.read() as db:  # the connection is as good as before
        assert (await db.execute(select(1))).scalar_one() == 1
