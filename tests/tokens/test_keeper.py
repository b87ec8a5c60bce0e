"""Every process follows the keys in the database, and does not deny what it cannot know."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from dhq_auth.errors import NotFound, Unavailable
from dhq_auth.opaque import derive
from dhq_auth.sdk.strict import header_of
from dhq_auth.tokens import store
from dhq_auth.tokens.keeper import SPACING
from dhq_auth.tokens.key import SigningKey, new_private_key, open_stored
from dhq_auth.tokens.states import ANNOUNCED_FOR
from dhq_auth.tokens.store import KeyPurpose
from dhq_auth.tokens.wrapping import wrapping_of
from tests.fakes.postgres import PostgresServer
from tests.fakes.proxy import Proxy
from tests.fixtures.heard import hearing
from tests.fixtures.service import FrozenClock
from tests.tokens.replicas import NewReplica, Replica, all_take, replica_of

LOGIN, SERVICE = KeyPurpose
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
STRANGER = SigningKey.of(new_private_key(), LOGIN)


@asynccontextmanager
async def kept(*replicas: Replica) -> AsyncIterator[None]:
    """Let *replicas* look as processes do."""
    tasks = [asyncio.create_task(replica.keeper.keep()) for replica in replicas]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def known(replica: Replica) -> set[str]:
    return {key.kid for key in replica.keyring}


async def until(replicas: list[Replica], kid: str, *, is_known: bool) -> float:
    """Return the seconds until all *replicas* have, or have not, the key *kid*."""
    began = time.monotonic()
    async with asyncio.timeout(20):
        while any((kid in known(replica)) is not is_known for replica in replicas):  # noqa: ASYNC110 - their own tasks
            await asyncio.sleep(0.01)
    return time.monotonic() - began


async def token_of_stranger(one: Replica) -> str:
    """Return a login token that is signed by nobody's key, and good else."""
    stranger = replica_of(one.settings.database_url.value, one.now)
    stranger.keyring.replace([STRANGER], b"")
    token = await stranger.sign(LOGIN)
    await stranger.stop()
    return token


@pytest.mark.slow
@pytest.mark.parametrize("purpose", KeyPurpose)
async def test_what_a_revoked_key_has_signed_is_refused_everywhere_within_a_second(
    new_replica: NewReplica, purpose: KeyPurpose
) -> None:
    replicas = [await new_replica().start() for _ in range(3)]
    revoked = replicas[0].signing(purpose)
    token = await replicas[1].sign(purpose)
    async with kept(*replicas):
        done = await replicas[0].rotation.revoke(revoked)
        # A second, and one for a machine that is busy with other tests.
        assert await until(replicas, revoked, is_known=False) < 2
    assert not any([await replica.takes(token, purpose) for replica in replicas])
    assert {replica.signing(purpose) for replica in replicas} == {done.successor}
    assert await all_take(replicas, await replicas[2].sign(purpose), purpose)
    assert revoked not in {key.kid for key in (await replicas[0].rows()).stored}


@SQLITE
async def test_a_new_key_that_signs_at_once_is_taken_where_nobody_has_heard_of_it(
    new_replica: NewReplica,
) -> None:
    one, other = [await new_replica().start() for _ in range(2)]
    await one.rotation.revoke(one.signing(LOGIN))
    await one.keeper.look()
    token = await one.sign(LOGIN)
    assert header_of(token, 8192)["kid"] not in known(other)
    assert await other.takes(token, LOGIN)


@SQLITE
async def test_a_revocation_is_told_and_goes_into_the_feed(new_replica: NewReplica) -> None:
    one = await new_replica().start()
    before = one.signing()
    revoked = await one.rotation.revoke(before)
    assert [(each.kind, each.detail) for each in one.told] == [
        (
            "key.announced",
            {
                "key_id": revoked.successor,
                "purpose": "service",
                "signs_from": one.now().isoformat().replace("+00:00", "Z"),
            },
        ),
        (
            "key.revoked",
            {"key_id": before, "purpose": "service", "successor": revoked.successor},
        ),
    ]
    async with one.work.read() as db:
        fed = await db.exec_driver_sql("SELECT kind, value FROM revocation_feed")
        assert [tuple(row) for row in fed] == [("kid", before)]


@SQLITE
@pytest.mark.slow
async def test_revoking_what_does_not_sign_makes_no_new_key(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    one = await new_replica().start()
    old = one.signing()
    announced = await one.rotation.announce(SERVICE)
    assert announced
    assert (await one.rotation.revoke(announced.kid)).successor is None
    again = await one.rotation.announce(SERVICE)
    assert again
    clock.now += ANNOUNCED_FOR
    assert (await one.rotation.revoke(old)).successor is None
    await one.keeper.look()
    assert one.published() == [again.kid]
    for gone in (old, announced.kid, "", "x" * 5000, "ö"):
        with pytest.raises(NotFound):
            await one.rotation.revoke(gone)


@pytest.mark.slow
@SQLITE
async def test_revoking_while_another_is_announced_makes_a_third_that_stays(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    one = await new_replica().start()
    await one.rotation.announce(SERVICE)
    revoked = await one.rotation.revoke(one.signing())
    await one.keeper.look()
    assert one.signing() == revoked.successor
    clock.now += 2 * ANNOUNCED_FOR
    assert one.signing() == revoked.successor


async def test_a_key_that_many_revoke_at_once_has_one_successor(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    replicas = [await new_replica().start() for _ in range(3)]
    before = replicas[0].signing(LOGIN)
    done = await asyncio.gather(
        *(replica.rotation.revoke(before) for replica in replicas),
        *(replica.rotation.announce(LOGIN) for replica in replicas),
        return_exceptions=True,
    )
    assert sum(isinstance(each, NotFound) for each in done) == 2
    for replica in replicas:
        await replica.keeper.look()
    assert await all_take(replicas, await replicas[1].sign(LOGIN), LOGIN)
    left = (await replicas[0].rows()).of(LOGIN)
    assert [key.kid for key in left if key.begins <= clock.now] == [replicas[0].signing(LOGIN)]


@SQLITE
async def test_keys_that_nobody_has_cost_a_look_in_a_while_however_many_there_are(
    new_replica: NewReplica,
) -> None:
    one = await new_replica().start()
    strange = await token_of_stranger(one)
    looks: list[str] = []
    await store.marks_now(one.database)  # its connection is there now, and can be heard
    began = time.monotonic()
    with hearing(looks.append):
        assert not any(await asyncio.gather(*(one.takes(strange, LOGIN) for _ in range(300))))
    looks = [look for look in looks if "signing_keys" in look]
    assert 1 <= len(looks) <= (time.monotonic() - began) / SPACING + 1
    assert not [look for look in looks if "private_key" in look]


@SQLITE
async def test_a_flood_of_unknown_keys_does_not_keep_a_good_one_from_being_found(
    new_replica: NewReplica,
) -> None:
    one, other = [await new_replica().start() for _ in range(2)]
    strange = await token_of_stranger(one)
    flood = [asyncio.create_task(other.takes(strange, LOGIN)) for _ in range(50)]
    await asyncio.sleep(0)
    await one.rotation.revoke(one.signing(LOGIN))
    await one.keeper.look()
    assert await other.takes(await one.sign(LOGIN), LOGIN)
    assert not any(await asyncio.gather(*flood))


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_with_the_database_away_an_unknown_key_is_no_denial(
    database_url: str, postgres: PostgresServer, clock: FrozenClock
) -> None:
    async with AsyncExitStack() as stack:
        proxy = Proxy(postgres.port)
        await proxy.mend()
        url = database_url.replace(f":{postgres.port}/", f":{proxy.port}/")
        behind = replica_of(url, clock, DATABASE_TIMEOUT="0.5")
        one = replica_of(database_url, clock)
        for replica in (one, behind):
            stack.push_async_callback(replica.stop)
            await replica.start()
        old = await one.sign(LOGIN)
        await one.rotation.announce(LOGIN)
        clock.now += ANNOUNCED_FOR
        await one.keeper.look()
        new = await one.sign(LOGIN)
        await proxy.cut()
        async with kept(behind):
            assert await behind.takes(old, LOGIN)
            with pytest.raises(Unavailable):
                await behind.takes(new, LOGIN)
            await proxy.mend()
            await until([behind], header_of(new, 8192)["kid"], is_known=True)
            assert await behind.takes(new, LOGIN)
        await proxy.cut()


@SQLITE
async def test_what_is_derived_is_what_the_version_before_derived_and_outlives_the_keys(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    one = await new_replica().start()
    (oldest,) = (await one.rows()).of(LOGIN)
    opened = open_stored(oldest, wrapping_of(one.database, one.settings))
    before = derive(opened.jwk.as_pem(private=True).decode(), "purpose")
    assert one.keyring.secret_of("purpose") == before
    assert one.keyring.secret_of("another") != before
    await one.rotation.announce(LOGIN)
    clock.advance(days=100)
    await one.keeper.turn_over()
    assert oldest.kid not in {key.kid for key in (await one.rows()).stored}
    later = await new_replica().start()
    assert later.keyring.secret_of("purpose") == before


@SQLITE
async def test_since_when_a_key_signs_is_told_to_monitoring(
    new_replica: NewReplica, clock: FrozenClock
) -> None:
    one = await new_replica().start()
    for purpose in KeyPurpose:
        assert one.keyring.signing_since(purpose) == (await one.rows()).of(purpose)[0].begins
    announced = await one.rotation.announce(SERVICE)
    clock.now += ANNOUNCED_FOR
    await one.keeper.look()
    assert announced
    assert one.keyring.signing_since(SERVICE) == announced.begins == clock.now
    assert new_replica().keyring.signing_since(LOGIN) is None
