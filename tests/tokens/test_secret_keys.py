"""SECRET_KEY is exchanged while replicas with the old list and with the new one run side by side."""

import asyncio

import pytest
from sqlalchemy import text

from dhq_auth.errors import Unavailable
from dhq_auth.tokens.errors import KeysUnusable
from dhq_auth.tokens.states import ANNOUNCED_FOR
from dhq_auth.tokens.store import KeyPurpose
from tests.fixtures.service import FrozenClock
from tests.tokens.replicas import NewReplica, all_take

LOGIN, SERVICE = KeyPurpose
OLD, NEW, WRONG = (letter * 40 for letter in "onw")
PURPOSE = "anything"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.postgres,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]


async def test_of_a_list_the_first_wraps_all_there_is_so_that_the_others_can_go(
    new_replica: NewReplica,
) -> None:
    old = await new_replica(SECRET_KEY=OLD).start()
    both = await new_replica(SECRET_KEY=f"{NEW};{OLD}").start()
    new = await new_replica(SECRET_KEY=NEW).start()
    secrets = {each.keyring.secret_of(PURPOSE) for each in (old, both, new)}
    assert len(secrets) == 1
    async with new.work.read() as db:
        rows = await db.execute(
            text("SELECT private_key FROM signing_keys UNION ALL SELECT value FROM secrets")
        )
        kept = list(rows.scalars())
    assert len(kept) == 3
    assert all(each.startswith("fernet:") for each in kept)
    with pytest.raises(KeysUnusable, match=r"^SECRET_KEY: does not open"):
        await new_replica(SECRET_KEY=OLD).start()


async def test_replicas_that_know_both_keys_in_whatever_order_share_what_is_new(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    replicas = [
        await new_replica(SECRET_KEY=keys).start() for keys in (f"{OLD};{NEW}", f"{NEW};{OLD}")
    ]
    for replica in (*replicas, *replicas):
        await replica.rotation.announce(LOGIN)
        clock.now += ANNOUNCED_FOR
        token = await replica.sign(LOGIN)
        assert await all_take(replicas, token, LOGIN)


async def test_a_replica_that_cannot_open_a_new_key_says_why_and_goes_on_with_those_it_has(
    new_replica: NewReplica, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    old = await new_replica(SECRET_KEY=OLD).start()
    new = await new_replica(SECRET_KEY=f"{NEW};{OLD}").start()
    mine = await old.sign(LOGIN)
    secret = old.keyring.secret_of(PURPOSE)
    caplog.clear()
    await new.rotation.announce(LOGIN)
    for _ in range(3):
        await old.keeper.look()
    (said,) = caplog.messages
    assert said.startswith("SECRET_KEY: does not open the keys in the database; ")
    assert said.endswith("SECRET_KEY=new;old; until then the keys that are known are used")
    clock.now += ANNOUNCED_FOR
    await new.keeper.look()
    assert await all_take([old, new], mine, LOGIN)
    assert await all_take([old, new], await old.sign(LOGIN), LOGIN)
    assert old.keyring.secret_of(PURPOSE) == secret
    # It knows that it does not know: an error is no denial.
    with pytest.raises(Unavailable):
        await old.takes(await new.sign(LOGIN), LOGIN)
    # The old key stays for as long as it is used.
    clock.advance(days=14)
    await old.keeper.turn_over()
    clock.advance(hours=2)
    await new.keeper.turn_over()
    assert await all_take([old, new], await old.sign(LOGIN), LOGIN)


async def test_a_wrong_secret_key_refuses_the_start_and_changes_nothing(
    new_replica: NewReplica,
) -> None:
    right = await new_replica(SECRET_KEY=OLD).start()
    before = await right.rows()
    for environ in ({"SECRET_KEY": WRONG}, {}):
        with pytest.raises(KeysUnusable, match=r"^SECRET_KEY: "):
            await new_replica(**environ).start()
    assert await right.rows() == before


async def test_replicas_that_start_while_others_wrap_anew_have_the_same_keys(
    new_replica: NewReplica,
) -> None:
    first = await new_replica(SECRET_KEY=OLD).start()
    lists = [f"{NEW};{OLD}", f"{OLD};{NEW}"] * 3
    others = [new_replica(SECRET_KEY=keys) for keys in lists]
    await asyncio.gather(*(replica.start() for replica in others))
    assert {replica.signing(LOGIN) for replica in others} == {first.signing(LOGIN)}
    assert len({replica.keyring.secret_of(PURPOSE) for replica in others}) == 1
