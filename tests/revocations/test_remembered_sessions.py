"""A session that was there a moment ago is not asked for again by the next of its tokens."""

import asyncio
import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from typing import Any

import pytest

from dhq_auth.db import Database
from dhq_auth.tokens.key import open_stored
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.tokens.load import read_rows
from dhq_auth.tokens.signing import LOGIN, TokenSigner
from dhq_auth.tokens.wrapping import wrapping_of
from tests.fixtures.service import Service, Start
from tests.revocations.conftest import NOTES
from tests.revocations.following import seconds_while
from tests.revocations.stage import FOR_GOOD, OF_LOGINS, OF_PASSWORDS, Stage, done
from tests.revocations.test_remembered import WITHIN, is_believed, reads, remembered, seconds_until
from tests.self_service.people import registered

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


async def another(service: Service, token: str, **claims: str) -> str:
    """Return another login token of the session of *token*, as the service would sign it."""
    settings, said = service.settings, {**claims_of(token), **claims}
    database = Database(settings.database_url.value, pool=1, timeout=20)
    try:
        async with database.read() as db:
            rows = await read_rows(db)
        wrapping = wrapping_of(database, settings, make=False)
    finally:
        await database.close()
    opened = (replace(open_stored(key, wrapping), signs_from=key.begins) for key in rows.stored)
    signer = TokenSigner(
        Keyring(opened),
        issuer=said["iss"],
        now=service.clock,
        leeway=settings.limits.clock_leeway,
        max_length=settings.limits.max_token,
    )
    try:
        lifetime = settings.login_token_lifetime
        return await signer.sign(LOGIN, said["sub"], lifetime, {"sid": said["sid"]})
    finally:
        signer.close()


@pytest.mark.slow
@sqlite
async def test_another_token_of_a_session_that_is_known_costs_no_query(start: Start) -> None:
    service = await start(ALLOWED_SERVICES=NOTES)
    alice = await registered(service)
    await remembered(service, alice.token)
    async with asyncio.timeout(
        10
    ):  # what is remembered does not count while the feed is looked at late
        while await reads(service, await another(service, alice.token)):
            pass
    service.clock.advance(seconds=61)  # somebody may change rows by hand
    assert await reads(service, await another(service, alice.token)) == 1


@pytest.mark.slow
@sqlite
async def test_another_token_is_no_reason_to_believe_a_session_for_longer(start: Start) -> None:
    service = await start(ALLOWED_SERVICES=NOTES)
    for attempt in range(20):
        who = await registered(service, f"person{attempt}")
        await remembered(service, who.token)
        service.clock.advance(seconds=50)
        other = await another(service, who.token)
        if await reads(service, other):  # the feed was looked at late: it is believed from now on
            continue
        service.clock.advance(seconds=11)
        assert await reads(service, other) == 1
        return
    pytest.fail("nothing was ever remembered for long enough")


@pytest.mark.slow
@sqlite
async def test_what_is_known_of_a_session_speaks_for_nobody_else(start: Start) -> None:
    service = await start(ALLOWED_SERVICES=NOTES)
    alice, bob = await registered(service), await registered(service, "bob")
    for who in (alice, bob):
        await remembered(service, who.token)
    mixed = await another(service, alice.token, sub=claims_of(bob.token)["sub"])
    assert not await is_believed(service, mixed)


@pytest.mark.slow
@sqlite
async def test_who_changes_something_is_looked_for(start: Start) -> None:
    service = await start(ALLOWED_SERVICES=NOTES)
    alice = await registered(service)
    await remembered(service, alice.token)
    database = Database(service.settings.database_url.value, pool=1, timeout=20)
    async with database.write() as db:
        await db.exec_driver_sql("DELETE FROM sessions")
    await database.close()
    token = await another(service, alice.token)
    answer = await service.program.get("/auth/tokens", headers={"Auth-Token": token})
    assert answer.status == 401


@pytest.mark.slow
async def test_no_token_of_a_session_that_ended_here_is_believed_at_the_next_request(
    stage: Stage, subtests: pytest.Subtests
) -> None:
    for end in (*OF_LOGINS, *OF_PASSWORDS, *FOR_GOOD):
        who = await stage.somebody()
        with subtests.test(way=end.__name__):
            await remembered(stage.service, who.token)
            other = await another(stage.service, who.token)
            await end(stage, who)
            if end.__name__.startswith("operator"):
                assert await seconds_until(stage.service, other) < WITHIN
            assert not await is_believed(stage.service, other)


@pytest.mark.slow
async def test_one_of_a_session_that_ended_on_another_replica_is_not_within_a_second(
    start: Start,
) -> None:
    here = await start(ALLOWED_SERVICES=NOTES)
    there = await start(EXTERNAL_ADDRESS=here.url, ALLOWED_SERVICES=NOTES)
    alice = await registered(here)
    await remembered(there, alice.token)
    await done(alice.call("POST", "/auth/logout"))

    async def is_any_believed() -> bool:
        return await is_believed(there, await another(here, alice.token))

    assert await seconds_while(is_any_believed) < WITHIN
