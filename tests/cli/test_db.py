"""Bringing the database up to date, and saying what that would do."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from dhq_auth.migrations import HEAD
from tests.cli.conftest import Cli
from tests.cli.databases import FOREIGN, LEGACY, NEWER, OTHERS, sqlite_database
from tests.fakes.postgres import PostgresServer

Made = Callable[[str], Cli]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    """Make a database with the given SQL, and return commands on it."""

    def on_sqlite(sql: str) -> Cli:
        return Cli(DATABASE_URL=f"sqlite:///{sqlite_database(tmp_path, sql)}")

    def on_postgres(sql: str) -> Cli:
        url: str = request.getfixturevalue("postgres_url")
        server: PostgresServer = request.getfixturevalue("postgres")
        server.execute(sql, url.rpartition("/")[2])
        return Cli(DATABASE_URL=url)

    return on_sqlite if request.param == "sqlite" else on_postgres


def state(cli: Cli) -> tuple[int, str]:
    ended = cli("db", "check", "--json")
    return ended.code, ended.json["state"]


def test_looking_at_a_file_that_is_missing_makes_none(cli: Cli, tmp_path: Path):
    assert state(cli) == (1, "missing")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_upgrade_makes_the_database_and_the_next_has_nothing_to_do(cli: Cli):
    assert cli("db", "upgrade", "--json").json == {"from": None, "to": HEAD, "changed": True}
    assert state(cli) == (0, "current")
    assert cli("db", "upgrade", "--json").json == {"from": HEAD, "to": HEAD, "changed": False}
    assert cli("db", "upgrade").out == f"{HEAD}: nothing was to do\n"


@pytest.mark.parametrize(
    ("sql", "meant"),
    [
        ("SELECT 1", "empty"),
        (OTHERS, "empty"),
        (LEGACY, "0.1.6"),
        (FOREIGN, "foreign"),
        (NEWER, "newer"),
    ],
)
def test_a_check_tells_what_is_there(made: Made, sql: str, meant: str):
    cli = made(sql)
    assert state(cli) == (1, meant)
    assert cli("db", "check").code == 1


@pytest.mark.parametrize("sql", [LEGACY, FOREIGN, NEWER])
def test_a_check_leaves_a_file_as_it_is(tmp_path: Path, sql: str):
    file = sqlite_database(tmp_path, sql)
    before = hashlib.sha256(file.read_bytes()).digest()
    assert Cli(DATABASE_URL=f"sqlite:///{file}")("db", "check").code == 1
    assert hashlib.sha256(file.read_bytes()).digest() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_check_of_a_database_in_use_finds_it_current(on_database: Cli):
    assert state(on_database) == (0, "current")


@pytest.mark.slow
def test_a_database_of_0_1_6_is_upgraded_and_said_to_be_one(made: Made):
    cli = made(LEGACY)
    assert cli("db", "upgrade").out == f"0.1.6 → {HEAD}\n"
    assert state(cli) == (0, "current")


@pytest.mark.parametrize("sql", [FOREIGN, NEWER])
def test_an_upgrade_that_cannot_be_is_refused_in_a_line_and_changes_nothing(made: Made, sql: str):
    cli = made(sql)
    before = state(cli)
    ended = cli("db", "upgrade")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("DATABASE_URL: ")
    assert len(ended.err.splitlines()) == 1
    assert state(cli) == before
