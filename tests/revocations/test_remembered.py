"""Who was believed a moment ago is not asked for again, and not believed once that has ended."""

import asyncio
import time
from typing import Any

import pytest

from dhq_auth.db import Database
from dhq_auth.duties import store as duties
from dhq_auth.revocations.feed import INTERVAL
from dhq_auth.revocations.memory import TRUSTED
from tests.credentials.test_queries import statements
from tests.fakes.postgres import PostgresServer
from tests.fakes.proxy import Proxy
from tests.fixtures.service import Service, Start
from tests.revocations.conftest import NOTES
from tests.revocations.following import page, seconds_while
from tests.revocations.stage import (
    FOR_GOOD,
    OF_DEVELOPER_TOKENS,
    OF_LOGINS,
    OF_PASSWORDS,
    OF_TOKENS,
    Stage,
    by_bearer,
    done,
)
from tests.self_service.people import ask, registered

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WITHIN = 1.0
"""Seconds in which what ended elsewhere is known."""


async def reads(service: Service, token: str) -> int:
    """Return how often the user is read to check *token*, which holds."""
    with statements() as asked:
        assert (await service.check(token))["authenticated"]
    return sum("FROM users" in each for each in asked)


async def remembered(service: Service, token: str) -> None:
    """Check *token* until that costs nothing; what it grants is no news any more."""
    await service.program.get(
        "/auth/authorize", params={"service": "notes"}, headers={"Auth-Token": token}
    )
    async with asyncio.timeout(10):
        while await reads(service, token):  # noqa: ASYNC110 - a task of the service
            await asyncio.sleep(0.01)


async def is_believed(service: Service, token: str) -> bool:
    """Whether *token* gets anything, be it a look at the profile or a token for a service."""
    sent = {"params": {"service": "notes"}, "headers": {"Auth-Token": token}}
    answer = await service.program.get("/auth/authorize", **sent)
    return answer.status == 200 or bool((await service.check(token))["authenticated"])


async def seconds_until(service: Service, token: str) -> float:
    """Return after how many seconds *token* is not believed any more."""
    return await seconds_while(lambda: is_believed(service, token))


@sqlite
@pytest.mark.slow
async def test_the_same_credential_costs_nothing_again(start: Start) -> None:
    service = await start(ALLOWED_SERVICES=NOTES)
    alice = await registered(service)
    for token in (alice.token, (await alice.make_token())["token"]):
        await remembered(service, token)
        assert await reads(service, token) == 0
        service.clock.advance(seconds=61)  # somebody may change rows by hand
        assert await reads(service, token) == 1


@sqlite
async def test_the_same_answer_is_the_same_token_while_half_of_its_life_is_left(
    start: Start,
) -> None:
    service = await start(ALLOWED_SERVICES=NOTES, SERVICE_TOKEN_LIFETIME="900")
    alice = await registered(service)
    await remembered(service, alice.token)
    await by_bearer(service, alice.token)  # that something is granted is new
    token = await by_bearer(service, alice.token)
    assert await by_bearer(service, alice.token) == token
    service.clock.advance(seconds=449)
    assert await by_bearer(service, alice.token) == token
    assert await by_bearer(service, (await alice.make_token())["token"]) != token
    service.clock.advance(seconds=1)
    assert await by_bearer(service, alice.token) != token


@pytest.mark.slow
@sqlite
async def test_a_clock_that_was_set_back_hands_out_no_token_of_the_future(start: Start) -> None:
    service = await start(ALLOWED_SERVICES=NOTES)
    alice = await registered(service)
    await remembered(service, alice.token)
    await by_bearer(service, alice.token)
    token = await by_bearer(service, alice.token)
    service.clock.advance(seconds=-1)
    assert await by_bearer(service, alice.token) != token


@sqlite
async def test_a_service_token_that_was_revoked_is_not_handed_out_again(start: Start) -> None:
    service = await start(ALLOWED_SERVICES=NOTES)
    alice = await registered(service)
    await remembered(service, alice.token)
    token = await by_bearer(service, alice.token)
    assert (await ask(service, "POST", "/auth/token-leaked", json={"token": token}))[0] == 200
    assert await by_bearer(service, alice.token) != token


@pytest.mark.slow
async def test_what_ends_here_is_not_believed_at_the_next_request(
    stage: Stage, subtests: pytest.Subtests
) -> None:
    """Whatever a command of the operator ends, who is another process, is known within a second."""
    for end in (*OF_LOGINS, *OF_PASSWORDS, *FOR_GOOD):
        who = await stage.somebody()
        with subtests.test(way=end.__name__):
            await remembered(stage.service, who.token)
            assert await is_believed(stage.service, who.token)
            await end(stage, who)
            within = WITHIN if end.__name__.startswith("operator") else 0
            if within:
                assert await seconds_until(stage.service, who.token) < within
            assert not await is_believed(stage.service, who.token)


@pytest.mark.slow
async def test_nor_is_an_api_token_that_ends(stage: Stage, subtests: pytest.Subtests) -> None:
    for end in (*OF_TOKENS, *OF_DEVELOPER_TOKENS):
        who = await stage.somebody()
        made = await who.make_token()
        if end in OF_DEVELOPER_TOKENS and end not in OF_TOKENS:
            made = await done(who.call("POST", "/auth/developer-token"), 201)
        with subtests.test(way=end.__name__):
            await remembered(stage.service, made["token"])
            await end(stage, who, made)
            if end.__name__.startswith("operator"):
                assert await seconds_until(stage.service, made["token"]) < WITHIN
            assert not await is_believed(stage.service, made["token"])


@sqlite
@pytest.mark.slow
async def test_what_is_changed_is_changed_at_the_next_request(stage: Stage) -> None:
    async def profile(who: Any) -> Any:
        return (await stage.service.check(who.token))["profile"]

    who = await stage.somebody()
    await remembered(stage.service, who.token)
    await done(who.call("PUT", "/auth/users/me", json={"name": "Ada Lovelace"}))
    assert (await profile(who))["name"] == "Ada Lovelace"
    await remembered(stage.service, who.token)
    await done(stage.admin.call("PUT", f"/auth/users/{who.id}", json={"name": "A. Lovelace"}))
    assert (await profile(who))["name"] == "A. Lovelace"


@pytest.mark.slow
async def test_what_ends_or_changes_on_one_replica_is_known_to_another_within_a_second(
    start: Start,
) -> None:
    here = await start(ALLOWED_SERVICES=NOTES)
    there = await start(EXTERNAL_ADDRESS=here.url, ALLOWED_SERVICES=NOTES)
    alice = await registered(here)
    made = await alice.make_token()
    tokens = (alice.token, made["token"])
    for token in tokens:
        await remembered(there, token)
    await done(alice.call("PUT", "/auth/users/me", json={"name": "Ada Lovelace"}))

    async def has_the_old_name() -> bool:
        said: Any = await there.check(alice.token)
        return bool(said["profile"]["name"] != "Ada Lovelace")

    assert await seconds_while(has_the_old_name) < WITHIN
    for token in tokens:
        await remembered(there, token)
    await done(alice.call("POST", "/auth/logout", json={"all": True}))
    assert max([await seconds_until(there, token) for token in tokens]) < WITHIN


@sqlite
async def test_what_is_changed_is_not_told_to_those_who_follow(start: Start) -> None:
    service = await start(ALLOWED_SERVICES=NOTES)
    alice = await registered(service)
    before = await page(service)
    await done(alice.call("PUT", "/auth/users/me", json={"name": "Ada Lovelace"}))
    after = await page(service, since=before["next"])
    assert after["entries"] == []
    assert after["next"] != before["next"], "nor looked through again the next time"


@pytest.mark.slow
@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
async def test_nobody_is_believed_from_memory_once_the_feed_cannot_be_read(
    start: Start, database_url: str, postgres: PostgresServer
) -> None:
    async with Proxy(postgres.port) as proxy:
        url = database_url.replace(f":{postgres.port}/", f":{proxy.port}/")
        service = await start(DATABASE_URL=url, DATABASE_TIMEOUT="1", ALLOWED_SERVICES=NOTES)
        alice = await registered(service)
        await remembered(service, alice.token)
        proxy.hang()
        begun = time.monotonic()
        while (await status(service, alice.token)) == 200:
            assert time.monotonic() - begun < TRUSTED + INTERVAL
        assert await status(service, alice.token) == 503
        proxy.let_go()


@pytest.mark.slow
@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
async def test_nor_while_somebody_who_is_to_seal_the_feed_does_not_come_to_it(
    start: Start, database_url: str
) -> None:
    here = await start(ALLOWED_SERVICES=NOTES)
    there = await start(EXTERNAL_ADDRESS=here.url, ALLOWED_SERVICES=NOTES)
    alice = await registered(here)
    await remembered(there, alice.token)
    database = Database(database_url, pool=1, timeout=20)
    try:
        async with database.write() as db:
            assert await duties.hold(db, duties.REVOCATIONS) is not None
            await done(alice.call("POST", "/auth/logout", json={"all": True}))
            assert await seconds_until(there, alice.token) < WITHIN
    finally:
        await database.close()


async def status(service: Service, token: str) -> int:
    answer = await service.program.get("/auth/check", headers={"Auth-Token": token})
    return answer.status
