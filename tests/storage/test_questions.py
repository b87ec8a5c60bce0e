"""A question goes to the driver as it is, and gets what SQLAlchemy would have given."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    event,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.exc import DBAPIError

from dhq_auth.db import Database, Timestamp
from dhq_auth.direct import IN_A_ROW
from dhq_auth.errors import Unavailable
from dhq_auth.question import Question
from tests.fakes.postgres import PostgresServer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
notes = Table(
    "notes",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("text", String),
    Column("done", Boolean),
    Column("at", Timestamp),
)
OF_TEXT = Question("OfText", select(notes).where(notes.c.text == bindparam("text"), notes.c.id > 0))
SINCE = Question("Since", select(notes.c.id).where(notes.c.at >= bindparam("at")))


async def write(database: Database, text_: str) -> None:
    async with database.write() as db:
        await db.run_sync(notes.create, checkfirst=True)
        await db.execute(insert(notes).values(text=text_, done=True, at=NOON))


async def test_it_sees_what_was_committed_in_the_types_of_its_columns(database: Database) -> None:
    await write(database, "another")
    assert await database.ask(OF_TEXT, text="100 % 'ours'") == []
    await write(database, "100 % 'ours'")
    (row,) = await database.ask(OF_TEXT, text="100 % 'ours'")
    assert (row.id, row.text, row.done, row.at) == (2, "100 % 'ours'", True, NOON)
    assert row.done is True
    assert len(await database.ask(SINCE, at=NOON)) == 2
    assert len(await database.ask(SINCE, at=NOON.replace(second=1))) == 0


async def test_it_leaves_no_connection_behind(database: Database) -> None:
    await write(database, "some")
    asked = (database.ask(OF_TEXT, text="some") for _ in range(30))
    assert all(await asyncio.gather(*asked))
    assert all(pool.checkedout() == 0 for pool in database.pools.values())


async def test_who_gives_up_leaves_a_connection_that_can_be_used(database: Database) -> None:
    await write(database, "some")
    for _ in range(20):
        asked = asyncio.create_task(database.ask(OF_TEXT, text="some"))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
    assert len(await database.ask(OF_TEXT, text="some")) == 1
    assert all(pool.checkedout() == 0 for pool in database.pools.values())


async def test_what_it_cannot_say_the_database_says(database: Database) -> None:
    nowhere = Table("nowhere", MetaData(), Column("id", Integer))
    with pytest.raises(DBAPIError, match="nowhere"):
        await database.ask(Question("Nowhere", select(nowhere)))
    async with database.read() as db:  # the connection is as good as before
        assert (await db.execute(select(1))).scalar_one() == 1


async def test_a_value_that_was_not_given_is_a_mistake_of_ours(database: Database) -> None:
    await write(database, "some")
    with pytest.raises(Exception, match="text"):
        await database.ask(OF_TEXT)


async def test_a_change_that_is_under_way_is_neither_seen_nor_waited_for(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/some.db", pool=1, timeout=5)
    await write(database, "some")
    with closing(sqlite3.connect(tmp_path / "some.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM notes")
        assert len(await database.ask(OF_TEXT, text="some")) == 1
        other.execute("COMMIT")
    assert await database.ask(OF_TEXT, text="some") == []
    await database.close()


@pytest.mark.postgres
async def test_a_server_that_hangs_is_waited_for_once(postgres: PostgresServer) -> None:
    name = postgres.create()
    database = Database(postgres.url(name), pool=1, timeout=1)
    try:
        await database.ping()
        began = asyncio.get_running_loop().time()
        with pytest.raises(Unavailable):
            await database.ask(Question("Slow", select(func.pg_sleep(30).label("slept"))))
        assert asyncio.get_running_loop().time() - began < 1.9
        assert len(await database.ask(Question("One", select(literal(1).label("one"))))) == 1
    finally:
        await database.close()


@pytest.mark.postgres
async def test_one_connection_serves_all_who_ask_at_once(postgres: PostgresServer) -> None:
    database = Database(postgres.url(postgres.create()), pool=1, timeout=5)
    try:
        await write(database, "some")
        lent: list[object] = []
        event.listen(database.pools["all"], "checkout", lambda *_: lent.append(_))
        asked = [database.ask(OF_TEXT, text="some") for _ in range(IN_A_ROW * 2)]
        assert all(await asyncio.gather(*asked))
        assert len(lent) == 2, "others, too, have their turn"
        assert database.pools["all"].checkedout() == 0
    finally:
        await database.close()


@pytest.mark.postgres
async def test_who_leaves_while_waiting_takes_no_place_along(postgres: PostgresServer) -> None:
    database = Database(postgres.url(postgres.create()), pool=2, timeout=5)
    try:
        await write(database, "some")
        for spared in range(12):
            asked = [asyncio.create_task(database.ask(OF_TEXT, text="some")) for _ in range(12)]
            for _ in range(spared):
                await asyncio.sleep(0)
            for each in asked[spared:]:
                each.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            assert database.pools["all"].checkedout() == 0
        wrong = Question("Wrong", select((1 / func.length(literal(""))).label("wrong")))
        for _ in range(3):
            with pytest.raises(DBAPIError):
                await database.ask(wrong)
        assert all(await asyncio.gather(*(database.ask(OF_TEXT, text="some") for _ in range(9))))
    finally:
        await database.close()
