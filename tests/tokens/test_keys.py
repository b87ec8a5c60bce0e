"""Keys: made once, opened by what they are, told apart by purpose."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import text

from dhq_auth import migrations
from dhq_auth.db import Database
from dhq_auth.tokens.errors import KeysUnusable
from dhq_auth.tokens.key import SigningKey, new_private_key, private_pem
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.tokens.store import KeyPurpose
from tests.tokens.stored import load, stored

GIVEN = [new_private_key() for _ in range(2)]


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
        other.dmp1,
        other.dmq1,
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
