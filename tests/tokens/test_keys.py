"""Keys: made once, kept wrapped, opened by SECRET_KEY, told apart by purpose."""

import asyncio
import re
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import text

from dhq_auth import migrations
from dhq_auth.clock import utcnow
from dhq_auth.db import Database
from dhq_auth.settings import Settings, from_environ
from dhq_auth.tokens.keyring import (
    Keyring,
    KeysUnusable,
    SigningKey,
    new_private_key,
    private_pem,
    secret_key_beside,
)
from dhq_auth.tokens.load import load_keys
from dhq_auth.tokens.store import KeyPurpose, StoredKey, add_key, rewrap_key
from tests.fakes.postgres import PostgresServer

OLD, NEW, WRONG = (letter * 40 for letter in "onw")
GIVEN = [new_private_key() for _ in range(2)]


@pytest.fixture
async def database(empty_url: str) -> AsyncIterator[Database]:
    """A database that is up to date, but has no keys."""
    database = Database(empty_url, pool=2, timeout=20)
    await migrations.upgrade(database)
    yield database
    await database.close()


def settings(database_url: str, **environ: str) -> Settings:
    return from_environ({"DATABASE_URL": database_url, **environ})


async def load(database: Database, **environ: str) -> list[SigningKey]:
    return await load_keys(database, settings(database._raw_url, **environ), utcnow)


def kids(keys: list[SigningKey], purpose: KeyPurpose) -> list[str]:
    return [key.kid for key in keys if key.purpose is purpose]


async def stored(database: Database) -> list[str]:
    async with database.read() as db:
        rows = await db.execute(text("SELECT private_key FROM signing_keys ORDER BY purpose"))
        return list(rows.scalars())


async def put(database: Database, pem: str, purpose: str = "login") -> None:
    async with database.write() as db:
        await db.execute(
            text("UPDATE signing_keys SET private_key = :pem WHERE purpose = :purpose"),
            {"pem": pem, "purpose": purpose},
        )


@pytest.mark.slow
async def test_keys_are_made_once_and_found_again(database: Database) -> None:
    first, again = await load(database), await load(database)
    assert [key.kid for key in first] == [key.kid for key in again]
    assert {key.purpose for key in first} == set(KeyPurpose)
    assert all(key.jwk.private_key.key_size >= 2048 for key in first)


@pytest.mark.slow
async def test_of_many_that_start_at_once_all_have_the_same_keys(empty_url: str) -> None:
    async def start() -> list[str]:
        database = Database(empty_url, pool=2, timeout=20)
        await migrations.upgrade(database)
        keys = await load(database)
        await database.close()
        return sorted(key.kid for key in keys)

    found = await asyncio.gather(*(start() for _ in range(4)))
    assert len(found[0]) == 2
    assert all(each == found[0] for each in found)


@pytest.mark.slow
async def test_a_given_key_signs_and_stored_ones_go_on_verifying(database: Database) -> None:
    before = Keyring(await load(database))
    given = "\n".join(private_pem(key) for key in GIVEN)
    after = Keyring(await load(database, PRIVATE_KEY=given))
    expected = [SigningKey.of(key, KeyPurpose.SERVICE).kid for key in GIVEN]
    old = before.signing(KeyPurpose.SERVICE)
    assert [key["kid"] for key in after.jwks()["keys"]] == [*expected, old.kid]
    assert after.signing(KeyPurpose.SERVICE).kid == expected[0]
    assert after.verifying(KeyPurpose.SERVICE, old.kid)
    assert after.signing(KeyPurpose.LOGIN).kid == before.signing(KeyPurpose.LOGIN).kid


@pytest.mark.slow
async def test_with_a_given_key_none_is_made(database: Database) -> None:
    await load(database, PRIVATE_KEY=private_pem(GIVEN[0]))
    assert len(await stored(database)) == 1  # of login tokens


@pytest.mark.slow
async def test_a_given_key_that_is_stored_too_is_published_once(database: Database) -> None:
    service = next(k for k in await load(database) if k.purpose is KeyPurpose.SERVICE)
    pem = private_pem(service.jwk.private_key)
    assert len(Keyring(await load(database, PRIVATE_KEY=pem)).jwks()["keys"]) == 1


@pytest.mark.slow
async def test_the_key_of_login_tokens_is_not_taken_for_service_tokens(database: Database) -> None:
    login = next(k for k in await load(database) if k.purpose is KeyPurpose.LOGIN)
    with pytest.raises(KeysUnusable, match=r"^PRIVATE_KEY: is the key of login tokens"):
        await load(database, PRIVATE_KEY=private_pem(login.jwk.private_key))


@pytest.mark.slow
async def test_login_keys_and_private_halves_are_never_published(database: Database) -> None:
    keyring = Keyring(await load(database))
    published = keyring.jwks()["keys"]
    assert [key["kid"] for key in published] == [keyring.signing(KeyPurpose.SERVICE).kid]
    for key in published:
        assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


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


def unfit_keys() -> dict[str, str]:
    elliptic = ec.generate_private_key(ec.SECP256R1())
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it must be refused
    numbers, other = (key.private_numbers() for key in GIVEN)
    pem = private_pem(GIVEN[0])
    return {
        "elliptic": elliptic.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode(),
        "of 1024 bits": private_pem(weak),
        "another one": private_pem(GIVEN[1]),
        "cut off": pem[: len(pem) // 2],
        "empty": "",
        "no key": "hello",
        "of two halves that do not fit": _mismatched(numbers, other),
    }


def _mismatched(numbers: rsa.RSAPrivateNumbers, other: rsa.RSAPrivateNumbers) -> str:
    mixed = rsa.RSAPrivateNumbers(
        numbers.p,
        numbers.q,
        other.d,
        numbers.dmp1,
        numbers.dmq1,
        numbers.iqmp,
        numbers.public_numbers,
    )
    return private_pem(mixed.private_key(unsafe_skip_rsa_key_validation=True))


@pytest.mark.slow
@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("unfit", unfit_keys().values(), ids=unfit_keys())
async def test_a_stored_key_that_is_not_what_we_made_is_named(
    database: Database, unfit: str
) -> None:
    login = next(k for k in await load(database) if k.purpose is KeyPurpose.LOGIN)
    await put(database, unfit)
    with pytest.raises(KeysUnusable, match=f"^DATABASE_URL: the login key {login.kid}") as error:
        await load(database)
    assert "PRIVATE KEY" not in str(error.value)


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
