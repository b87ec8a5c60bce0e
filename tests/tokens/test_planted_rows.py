"""What somebody writes into the tables of keys who does not have SECRET_KEY, is believed by nobody."""

import asyncio
from base64 import b64encode

import pytest
from sqlalchemy import text

from dhq_auth.cli.audit.verify import seal_key
from dhq_auth.db import Database
from dhq_auth.opaque import derive
from dhq_auth.tokens.errors import KeysUnusable
from dhq_auth.tokens.key import SigningKey, new_private_key, private_pem
from dhq_auth.tokens.store import KeyPurpose
from tests.fixtures.service import FrozenClock
from tests.tokens.replicas import NewReplica, Replica, all_take

LOGIN, SERVICE = KeyPurpose
PURPOSE = "audit seals"
FOREIGN = new_private_key()
"""Theirs who can write to the database."""
PEM = private_pem(FOREIGN)
KID = SigningKey.of(FOREIGN, SERVICE).kid
PLANTED = r"^DATABASE_URL: .*is not wrapped by SECRET_KEY"

pytestmark = pytest.mark.slow
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def write(database: Database, statement: str, **values: object) -> None:
    async with database.write() as db:
        await db.execute(text(statement), values)


async def plant(replica: Replica, purpose: KeyPurpose, *, generation: int = 9) -> None:
    """Put the foreign key there as one that has signed for long."""
    await write(
        replica.database,
        "INSERT INTO signing_keys (kid, purpose, generation, private_key, created_at)"
        " SELECT :kid, :purpose, :generation, :pem, created_at FROM signing_keys LIMIT 1",
        kid=KID,
        purpose=purpose.value,
        generation=generation,
        pem=PEM,
    )


@SQLITE
@pytest.mark.parametrize("purpose", [LOGIN, SERVICE])
async def test_a_planted_key_neither_signs_nor_is_published(
    new_replica: NewReplica, caplog: pytest.LogCaptureFixture, purpose: KeyPurpose
) -> None:
    one = await new_replica().start()
    mine = one.signing(purpose)
    await plant(one, purpose)
    await one.keeper.look()
    assert one.signing(purpose) == mine
    assert KID not in {key.kid for key in one.keyring}
    assert f"key {KID}" in caplog.text
    with pytest.raises(KeysUnusable, match=PLANTED):
        await new_replica().start()


@SQLITE
async def test_a_planted_public_key_is_not_published(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    one = await new_replica().start()
    await write(
        one.database,
        "INSERT INTO given_keys VALUES (:kid, :pem, :now, 900)",
        kid=KID,
        pem=SigningKey.of(FOREIGN, SERVICE).public_pem,
        now=f"{clock.now:%Y-%m-%d %H:%M:%S.%f}",
    )
    await one.keeper.look()
    assert KID not in one.published()
    with pytest.raises(KeysUnusable, match=PLANTED):
        await new_replica().start()


@SQLITE
async def test_a_planted_secret_seals_nothing(new_replica: NewReplica) -> None:
    one = await new_replica().start()
    theirs = b64encode(b"theirs" * 5)
    await write(one.database, "UPDATE secrets SET value = :value", value=theirs.decode())
    with pytest.raises(KeysUnusable, match=PLANTED):
        await new_replica().start()
    with pytest.raises(KeysUnusable, match=PLANTED):
        await seal_key(one.database, one.settings)


@SQLITE
async def test_a_secret_is_not_made_of_a_key_that_was_planted(new_replica: NewReplica) -> None:
    one = await new_replica().start()
    await write(one.database, "DELETE FROM secrets")
    await plant(one, LOGIN, generation=0)
    with pytest.raises(KeysUnusable, match=PLANTED):
        await new_replica().start()


@pytest.mark.postgres
@POSTGRESQL
async def test_with_a_first_secret_key_keys_stay_and_nobody_knows_the_secret_any_more(
    new_replica: NewReplica,
) -> None:
    open_one = await new_replica(PRIVATE_KEY=PEM).start()
    token, theirs = await open_one.sign(LOGIN), open_one.keyring.secret_of(PURPOSE)
    replicas = [new_replica(SECRET_KEY="s" * 40) for _ in range(3)]
    await asyncio.gather(*(replica.start() for replica in replicas))
    assert await all_take(replicas, token, LOGIN)
    assert all(KID in replica.published() for replica in replicas)
    (secret,) = {replica.keyring.secret_of(PURPOSE) for replica in replicas}
    assert secret != theirs
    rows = await replicas[0].rows()
    assert rows.secret
    kept = [*(key.private_key for key in rows.stored), *(key.public_key for key in rows.given)]
    assert all(each.startswith("fernet:") for each in (*kept, rows.secret.value))


@pytest.mark.postgres
@POSTGRESQL
async def test_who_replaces_all_keys_does_not_choose_the_secret(new_replica: NewReplica) -> None:
    one = await new_replica(SECRET_KEY="s" * 40).start()
    await write(one.database, "DELETE FROM secrets")
    await write(one.database, "DELETE FROM signing_keys WHERE purpose = 'service'")
    await write(
        one.database, "UPDATE signing_keys SET kid = :kid, private_key = :pem", kid=KID, pem=PEM
    )
    again = await new_replica(SECRET_KEY="s" * 40).start()
    assert again.signing(LOGIN) == KID
    assert again.keyring.secret_of(PURPOSE) != derive(PEM, PURPOSE)
