"""PRIVATE_KEY on, off, and exchanged: no token breaks, on whichever process it is checked."""

from datetime import timedelta

import pytest

from dhq_auth.tokens.errors import KeysUnusable
from dhq_auth.tokens.key import SigningKey, new_private_key, private_pem
from dhq_auth.tokens.states import ANNOUNCED_FOR, NOTED_EVERY
from dhq_auth.tokens.store import KEPT_LONGER, KeyPurpose
from dhq_auth.tokens.wrapping import wrapping_of
from tests.fixtures.service import FrozenClock
from tests.tokens.replicas import NewReplica, Replica, all_take

SERVICE = KeyPurpose.SERVICE
ONE, TWO = (new_private_key() for _ in range(2))
PEM = {"one": private_pem(ONE), "two": private_pem(TWO)}
KID = {"one": SigningKey.of(ONE, SERVICE).kid, "two": SigningKey.of(TWO, SERVICE).kid}
OVER = timedelta(minutes=15) + KEPT_LONGER

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def given(*names: str) -> dict[str, str]:
    return {"PRIVATE_KEY": "\n".join(PEM[name] for name in names)}


async def turned(replica: Replica) -> Replica:
    """Return *replica* after it has done what it does each minute."""
    await replica.keeper.turn_over()
    await replica.keeper.look()
    return replica


@pytest.mark.slow
async def test_the_stored_key_retires_when_private_key_is_set_and_is_deleted_at_last(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    stored = await new_replica().start()
    token = await stored.sign()
    one = await new_replica(**given("one")).start()
    assert one.published() == [KID["one"], stored.signing()]
    assert await one.takes(token)
    clock.now += OVER - NOTED_EVERY
    assert len((await turned(one)).published()) == 2
    clock.now += NOTED_EVERY + timedelta(minutes=1)
    assert (await turned(one)).published() == [KID["one"]]
    assert not (await one.rows()).of(SERVICE)


@pytest.mark.slow
async def test_processes_with_and_without_private_key_take_the_tokens_of_each_other(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    stored = await new_replica().start()
    one = await new_replica(**given("one")).start()
    for _ in range(8):  # beside each other for hours, as a roll-out that was forgotten
        tokens = [await stored.sign(), await one.sign()]
        assert all([await all_take([stored, one], token, SERVICE) for token in tokens])
        assert set(stored.published()) == set(one.published())
        clock.advance(minutes=15)
        await turned(one)
        await turned(stored)
    assert stored.signing() != one.signing() == KID["one"]


async def test_without_private_key_again_its_tokens_are_good_until_they_expire(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    one = await new_replica(**given("one")).start()
    token = await one.sign()
    await one.stop()
    stored = await new_replica().start()
    assert stored.signing() != KID["one"]
    assert KID["one"] in stored.published()
    assert await stored.takes(token)
    clock.now += OVER
    assert KID["one"] not in (await turned(stored)).published()
    assert not (await stored.rows()).given


@pytest.mark.slow
async def test_a_stored_key_that_signs_again_is_the_one_of_before(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    stored = await new_replica().start()
    one = await new_replica(**given("one")).start()
    clock.advance(minutes=30)
    await turned(one)
    again = await new_replica().start()
    assert again.signing() == stored.signing()
    clock.advance(days=1)
    await turned(again)
    await turned(one)
    assert again.signing() in one.published()


@pytest.mark.slow
async def test_a_given_key_is_exchanged_as_others_are_announced_first(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    first = await new_replica(**given("one")).start()
    beside = await new_replica(**given("one", "two")).start()
    await first.keeper.look()
    assert beside.signing() == KID["one"]
    # Who was not told of the second one by its settings publishes it as well.
    assert {KID["one"], KID["two"]} <= set(first.published())
    clock.now += ANNOUNCED_FOR
    other = await new_replica(**given("two", "one")).start()
    token = await other.sign()
    assert other.signing() == KID["two"]
    assert await all_take([first, beside, other], token, SERVICE)
    last = await new_replica(**given("two")).start()
    assert await all_take([last], await first.sign(), SERVICE)


async def test_by_age_no_service_key_is_made_beside_a_given_one(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    one = await new_replica(SERVICE_KEY_LIFETIME="1h", **given("one")).start()
    clock.advance(days=1)
    assert (await turned(one)).signing() == KID["one"]
    assert not (await one.rows()).of(SERVICE)


async def test_what_is_kept_of_given_keys_and_is_none_is_named(new_replica: NewReplica) -> None:
    one = await new_replica(**given("one")).start()
    other = SigningKey.of(TWO, SERVICE).public_pem
    for unfit in ("", "hello", other, PEM["one"]):
        async with one.database.write() as db:
            wrapped = wrapping_of(one.database, one.settings).wrap(unfit)
            await db.exec_driver_sql("UPDATE given_keys SET public_key = ?", (wrapped,))
        with pytest.raises(KeysUnusable, match=f"^DATABASE_URL: the public key {KID['one']}"):
            await new_replica().start()


async def test_private_key_leaves_only_its_public_half_in_the_database(
    new_replica: NewReplica,
) -> None:
    one = await new_replica(**given("one", "two")).start()
    async with one.work.read() as db:
        kept = list((await db.exec_driver_sql("SELECT public_key FROM given_keys")).scalars())
    assert len(kept) == 2
    wrapping = wrapping_of(one.database, one.settings)
    assert not [each for each in kept if "PRIVATE" in wrapping.unwrap(each, "it")]
