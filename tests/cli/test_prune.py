"""`dhq-auth prune`: what is over goes now."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from dhq_auth.housekeeping import rules
from dhq_auth.settings import from_environ
from tests.cli.conftest import Cli
from tests.fixtures.service import NEXT, Start

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TABLES = list(rules(from_environ({})))


def outdate(database_url: str, statement: str) -> None:
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as database:
        database.execute(statement)
        database.commit()


@pytest.mark.slow
async def test_it_says_how_many_rows_went_of_each_table(
    start: Start, on_database: Cli, database_url: str
) -> None:
    service = await start(GITHUB_KEY="k", GITHUB_SECRET="s")
    for _ in range(3):
        await service.browser.get("/auth/login/github", params={"next": NEXT})
    await asyncio.to_thread(
        outdate, database_url, "UPDATE login_attempts SET expires_at = '2020-01-01 00:00:00'"
    )
    forgotten = (await on_database.aside("prune", "--json")).json
    assert forgotten == {
        "forgotten": dict.fromkeys(TABLES, 0) | {"login_attempts": 3},
        "faults": {},
    }
    again = await on_database.aside("prune")
    assert again.code == 0
    assert [line.split() for line in again.out.splitlines()[2:]] == [[name, "0"] for name in TABLES]


async def test_a_database_that_is_not_up_to_date_is_left_alone(
    on_database: Cli, database_url: str
) -> None:
    await asyncio.to_thread(outdate, database_url, "UPDATE alembic_version SET version_num='0003'")
    ended = await on_database.aside("prune")
    assert ended.code == 1
    assert ended.err.startswith("DATABASE_URL: ")


@pytest.mark.slow
async def test_a_table_that_somebody_has_locked_is_named(
    on_database: Cli, database_url: str
) -> None:
    path = database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ended = await on_database.aside("prune", "--json", DATABASE_TIMEOUT="0.1")
    assert ended.code == 1
    assert set(ended.json["faults"]) == set(TABLES)
    assert ended.err.startswith("login_attempts: ")
