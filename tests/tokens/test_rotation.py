"""Keys turn over: each is published before it signs, and gone when its tokens are; nobody notices."""

import asyncio
from datetime import timedelta

import pytest

from dhq_auth.audit import store as audit
from dhq_auth.db import Database
from dhq_auth.errors import Unavailable
from dhq_auth.permissions.views import KEYS_LIFETIME
from dhq_auth.tokens.states import ANNOUNCED_FOR
from dhq_auth.tokens.store import KEPT_LONGER, KeyPurpose
from tests.fixtures.service import FrozenClock
from tests.tokens.replicas import NewReplica, all_take

LOGIN, SERVICE = KeyPurpose
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
BOTH = pytest.mark.parametrize("purpose", KeyPurpose)
SECOND = timedelta(seconds=1)
LIFETIMES = {LOGIN: timedelta(days=14), SERVICE: timedelta(minutes=15)}


async def be_strict(database: Database) -> None:
    """Let PostgreSQL take each transaction as if there were no other, and refuse what is not."""
    async with database.write() as db:
        name = (await db.exec_driver_sql("SELECT current_database()")).scalar_one()
        await db.exec_driver_sql(
            f'ALTER DATABASE "{name}" SET default_transaction_isolation TO serializable'
        )


@SQLITE
@BOTH
async def test_a_new_key_signs_when_it_was_announced_for_ten_minutes_and_not_a_second_before(
    new_replica: NewReplica, clock: FrozenClock, purpose: KeyPurpose
) -> None:
    one = await new_replica().start()
    before = one.signing(purpose)
    announced = await one.rotation.announce(purpose)
    await one.keeper.look()
    assert announced
    assert (one.published()[0] == announced.kid) is (purpose is SERVICE)
    clock.now += ANNOUNCED_FOR - SECOND
    assert one.signing(purpose) == before
    clock.now += SECOND
    assert one.signing(purpose) == announced.kid


@SQLITE
@pytest.mark.slow
async def test_with_clocks_apart_a_key_is_published_everywhere_for_max_age_before_anybody_signs(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    replicas = [await new_replica(ahead=ahead).start() for ahead in (-30, 0, 30)]
    for announcing in replicas:
        began = clock.now
        announced = await announcing.rotation.announce(SERVICE)
        assert announced
        for replica in replicas:
            await replica.keeper.look()
            assert announced.kid in replica.published()
        while not any(replica.signing() == announced.kid for replica in replicas):
            clock.now += SECOND
        assert clock.now - began > timedelta(seconds=KEYS_LIFETIME + 60)
        for _ in range(90):  # until the last clock has come there, and beyond
            tokens = [await replica.sign() for replica in replicas[::2]]
            assert all([await all_take(replicas, token, SERVICE) for token in tokens])
            clock.now += SECOND
        assert {replica.signing() for replica in replicas} == {announced.kid}


@BOTH
async def test_tokens_of_before_while_and_after_are_taken_by_all_also_by_who_was_not_told(
    new_replica: NewReplica, clock: FrozenClock, purpose: KeyPurpose
) -> None:
    one, other, asleep = [await new_replica().start() for _ in range(3)]
    tokens = [await one.sign(purpose)]
    await one.rotation.announce(purpose)
    await one.keeper.look()
    tokens += [await one.sign(purpose), await other.sign(purpose)]
    clock.now += ANNOUNCED_FOR
    tokens += [await one.sign(purpose), await asleep.sign(purpose)]
    for token in tokens:
        assert await all_take([one, other, asleep], token, purpose)
    started_later = await new_replica().start()
    assert all([await started_later.takes(token, purpose) for token in tokens])
    assert started_later.signing(purpose) == one.signing(purpose) == asleep.signing(purpose)


@SQLITE
@BOTH
@pytest.mark.slow
async def test_the_private_key_is_gone_when_its_last_token_is_and_not_a_second_before(
    new_replica: NewReplica, clock: FrozenClock, purpose: KeyPurpose
) -> None:
    one = await new_replica().start()
    old = (await one.rows()).of(purpose)[0]
    await one.rotation.announce(purpose)
    clock.now += ANNOUNCED_FOR - SECOND
    last = await one.sign(purpose)
    clock.now += LIFETIMES[purpose]
    await one.keeper.turn_over()
    assert await one.takes(last, purpose)
    clock.now += KEPT_LONGER
    await one.keeper.turn_over()
    assert old.kid in {key.kid for key in one.keyring}
    clock.now += SECOND
    await one.keeper.turn_over()
    await one.keeper.look()
    assert old.kid not in {key.kid for key in one.keyring}
    left = (await one.rows()).stored
    assert old.private_key not in {key.private_key for key in left}
    assert len(left) == 2
    assert not await one.takes(last, purpose)
    async with one.work.read() as db:
        kinds = [row["kind"] for row in await audit.latest(db, 10)]
    assert kinds == ["key.deleted", "key.announced"]
    assert [event.kind for event in one.told] == ["key.announced", "key.deleted"]


@SQLITE
@pytest.mark.slow
async def test_a_key_stays_for_the_longest_life_that_any_replica_gave_its_tokens(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    one = await new_replica().start()
    longer = await new_replica(SERVICE_TOKEN_LIFETIME="3d").start()
    token = await longer.sign()
    await longer.stop()
    await one.rotation.announce(SERVICE)
    clock.now += ANNOUNCED_FOR + timedelta(days=3) - 2 * SECOND
    await one.keeper.turn_over()
    await one.keeper.look()
    assert len(one.published()) == 2
    clock.now += KEPT_LONGER + 2 * SECOND
    await one.keeper.turn_over()
    await one.keeper.look()
    assert len(one.published()) == 1
    assert not await one.takes(token)


@SQLITE
async def test_a_login_key_of_90_days_is_turned_over_and_the_service_key_only_on_demand(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    one = await new_replica().start()
    begun = {purpose: (await one.rows()).of(purpose)[0].begins for purpose in KeyPurpose}
    clock.now = begun[LOGIN] + timedelta(days=90) - SECOND
    await one.keeper.turn_over()
    assert len((await one.rows()).stored) == 2
    clock.now += SECOND
    await one.keeper.turn_over()
    assert [len((await one.rows()).of(purpose)) for purpose in (LOGIN, SERVICE)] == [2, 1]
    eager = await new_replica(SERVICE_KEY_LIFETIME="30d").start()
    await eager.keeper.turn_over()
    assert [len((await one.rows()).of(purpose)) for purpose in (LOGIN, SERVICE)] == [2, 2]


@pytest.mark.slow
@SQLITE
async def test_in_every_period_there_is_one_new_key(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    replicas = [await new_replica(KEY_LIFETIME="1h").start() for _ in range(3)]
    generation = (await replicas[0].rows()).of(LOGIN)[0].generation
    for _ in range(3 * 6):  # three hours
        clock.now += timedelta(minutes=10)
        await asyncio.gather(*(replica.keeper.turn_over() for replica in replicas))
    # After an hour, and an hour after each began to sign: ten minutes later.
    assert (await replicas[0].rows()).of(LOGIN)[0].generation == generation + 2


@pytest.mark.slow
async def test_of_many_rotations_at_once_there_is_one_new_key(
    new_replica: NewReplica, clock: FrozenClock, database_url: str
) -> None:
    if "postgresql" in database_url:
        await be_strict(new_replica().database)
    replicas = [await new_replica().start() for _ in range(3)]
    tokens = [await replica.sign(LOGIN) for replica in replicas]
    clock.advance(days=91)
    found = await asyncio.gather(
        *(replica.rotation.announce(LOGIN) for replica in replicas for _ in range(3)),
        *(replica.keeper.turn_over() for replica in replicas),
    )
    assert len({key.kid for key in found if key}) == 1
    assert len((await replicas[0].rows()).of(LOGIN)) == 2
    async with replicas[0].work.read() as db:
        assert len(await audit.latest(db, 10)) == 1
    clock.now -= timedelta(days=91)
    assert all([await all_take(replicas, token, LOGIN) for token in tokens])


@SQLITE
async def test_a_key_of_the_version_before_is_left_alone_until_that_runs_no_more(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    one = await new_replica(KEY_LIFETIME="1h").start()
    async with one.database.write() as db:
        await db.exec_driver_sql("UPDATE signing_keys SET signs_from = NULL")
    clock.advance(hours=23)
    await one.keeper.turn_over()
    assert len((await one.rows()).of(LOGIN)) == 1
    clock.advance(hours=2)
    await one.keeper.turn_over()
    assert len((await one.rows()).of(LOGIN)) == 2


@SQLITE
async def test_with_a_clock_that_is_set_back_there_is_still_a_key_to_sign_with(
    new_replica: NewReplica,
) -> None:
    one = await new_replica().start()
    await one.rotation.announce(SERVICE)
    behind = await new_replica(ahead=-86400).start()
    assert behind.signing() == one.signing()
    assert await behind.takes(await behind.sign())
    assert await behind.takes(await one.sign())


async def test_where_no_key_is_there_to_sign_it_is_said_that_this_is_for_the_moment(
    new_replica: NewReplica,
) -> None:
    one = new_replica()
    assert not one.keyring.is_complete
    with pytest.raises(Unavailable):
        one.signing()
