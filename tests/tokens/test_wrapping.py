"""Keys at rest: wrapped by SECRET_KEY, or by the one beside an SQLite database."""

import re
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from dhq_auth import migrations
from dhq_auth.clock import utcnow
from dhq_auth.db import Database
from dhq_auth.tokens.errors import KeysUnusable
from dhq_auth.tokens.secret_key_file import secret_key_beside
from dhq_auth.tokens.store import KeyPurpose, StoredKey, add_key, rewrap_key
from tests.fakes.postgres import PostgresServer
from tests.tokens.stored import load, stored

OLD, NEW, WRONG = (letter * 40 for letter in "onw")


@pytest.mark.slow
async def test_no_key_lies_in_clear(database: Database, empty_url: str, tmp_path: Path) -> None:
    await load(database, SECRET_KEY=NEW)
    for each in await stored(database):
        assert each.startswith("fernet:")
    if empty_url.startswith("sqlite"):
        for file in (tmp_path / "data").glob("dhq-auth.db*"):
            assert b"PRIVATE KEY" not in file.read_bytes()


@pytest.mark.slow
async def test_without_a_secret_key_sqlite_keys_are_wrapped_by_one_beside_it(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite:///{tmp_path}/data/x.db", pool=1, timeout=20)
    await migrations.upgrade(database)
    await load(database)
    assert all(each.startswith("fernet:") for each in await stored(database))
    data = tmp_path / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    names = {file.name for file in data.iterdir()}
    assert (
        {"x.db", "x.db.secret-key"}
        <= names
        <= {f"x.db{end}" for end in ("", "-wal", "-shm", ".secret-key")}
    )
    for file in data.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    await database.close()


@pytest.mark.slow
async def test_a_wrong_secret_key_is_named(database: Database) -> None:
    await load(database, SECRET_KEY=OLD)
    with pytest.raises(KeysUnusable, match=r"^SECRET_KEY: does not open") as error:
        await load(database, SECRET_KEY=WRONG)
    assert WRONG not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.postgres
async def test_wrapped_keys_without_a_secret_key_are_named(postgres_url: str) -> None:
    database = Database(postgres_url, pool=1, timeout=20)
    await migrations.upgrade(database)
    await load(database, SECRET_KEY=OLD)
    with pytest.raises(KeysUnusable, match=r"^SECRET_KEY: is not set"):
        await load(database)
    await database.close()


@pytest.mark.slow
async def test_a_new_secret_key_wraps_anew_so_that_the_old_one_can_go(database: Database) -> None:
    first = await load(database, SECRET_KEY=OLD)
    second = await load(database, SECRET_KEY=f"{NEW};{OLD}")
    third = await load(database, SECRET_KEY=NEW)
    assert [k.kid for k in first] == [k.kid for k in second] == [k.kid for k in third]
    settled = await stored(database)
    await load(database, SECRET_KEY=NEW)
    assert await stored(database) == settled  # nothing is written without need


async def test_what_somebody_else_has_wrapped_meanwhile_is_left_alone(database: Database) -> None:
    key = StoredKey("kid", KeyPurpose.LOGIN, 1, "wrapped", utcnow())
    async with database.write() as db:
        await add_key(db, key)
        await rewrap_key(db, "kid", "wrapped", "by the first")
        await rewrap_key(db, "kid", "wrapped", "by the second")
    assert await stored(database) == ["by the first"]


@pytest.mark.slow
async def test_a_secret_key_that_comes_later_takes_over(database: Database, tmp_path: Path) -> None:
    first = await load(database)
    await load(database, SECRET_KEY=NEW)
    for each in await stored(database):
        assert each.startswith("fernet:")
    if database.url.get_backend_name() == "sqlite":
        (tmp_path / "data" / "dhq-auth.db.secret-key").unlink()
    assert [k.kid for k in await load(database, SECRET_KEY=NEW)] == [k.kid for k in first]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it has 0 characters"),
        (b"short\n", "it has 5"),
        (b"\xff" * 43, "cannot be made or read"),
    ],
)
def test_a_damaged_secret_key_file_is_named(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "x.db.secret-key").write_bytes(content)
    with pytest.raises(KeysUnusable, match=re.escape(str(tmp_path / "x.db.secret-key"))) as error:
        secret_key_beside(tmp_path / "x.db")
    assert why in str(error.value)


def test_a_folder_that_takes_no_secret_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeysUnusable, match="cannot be made or read"):
        secret_key_beside(tmp_path / "absent" / "x.db")


def test_no_draft_of_the_secret_key_is_left(tmp_path: Path) -> None:
    assert secret_key_beside(tmp_path / "x.db") == secret_key_beside(tmp_path / "x.db")
    assert [file.name for file in tmp_path.iterdir()] == ["x.db.secret-key"]


@pytest.mark.postgres
async def test_a_dump_of_postgresql_has_no_key_in_clear(
    postgres: PostgresServer, postgres_url: str
) -> None:
    database = Database(postgres_url, pool=1, timeout=20)
    await migrations.upgrade(database)
    await load(database, SECRET_KEY=NEW)
    await database.close()
    dump = postgres.dump(postgres_url.rpartition("/")[2])
    assert "signing_keys" in dump
    assert "fernet:" in dump
    assert "PRIVATE KEY" not in dump


def test_the_sqlite_file_of_a_service_has_no_key_in_clear(sqlite_template: Path) -> None:
    with closing(sqlite3.connect(sqlite_template)) as db:
        assert db.execute("SELECT count(*) FROM signing_keys").fetchone() == (2,)
    for file in sqlite_template.parent.iterdir():
        assert b"PRIVATE KEY" not in file.read_bytes()
