"""Those who wait for the next revocation: told at once, so many at a time, let go when we end."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

import pytest
from aiohttp import ClientResponse

from dhq_auth.permissions.revocations import NOTICED
from dhq_auth.revocations import feed as feeds
from tests.credentials.test_queries import statements
from tests.fakes.postgres import PostgresServer
from tests.fakes.proxy import Proxy
from tests.fixtures.process import Serve
from tests.fixtures.service import Service, Start
from tests.revocations.conftest import NOTES
from tests.revocations.following import FEED, asked, claims_of, page
from tests.self_service.people import Person, registered

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def took(waiting: Awaitable[Any]) -> tuple[float, Any]:
    """Return for how many seconds *waiting* took, and what came of it."""
    begun = time.monotonic()
    result = await waiting
    return time.monotonic() - begun, result


async def waiting(service: Service, since: str, wait: int = 25) -> "asyncio.Task[ClientResponse]":
    """Return a question that has been asked, and waits."""
    task = asyncio.create_task(asked(service, since, wait))
    done, _ = await asyncio.wait({task}, timeout=0.15)
    assert not done, await task
    return task


async def logout(who: Person) -> None:
    assert (await who.call("POST", "/auth/logout"))[0] == 200


@pytest.mark.slow
async def test_who_waits_on_one_replica_hears_at_once_what_ended_on_another(start: Start) -> None:
    here, there = [await start(ALLOWED_SERVICES=NOTES) for _ in range(2)]
    alice = await registered(here)
    since = (await page(there))["next"]
    for service in (there, here):
        follower = await waiting(service, since)
        who = await alice.again()
        await logout(who)
        seconds, answer = await took(follower)
        told = await claims_of(service, answer)
        assert seconds < 1.5
        assert sorted(map(sorted, told["entries"])) == [["at", "jti"], ["at", "sid"]]
        since = told["next"]


@sqlite
@pytest.mark.slow
async def test_who_waits_is_told_after_a_while_that_there_is_nothing(local: Service) -> None:
    since = (await page(local))["next"]
    local.clock.advance(seconds=20)
    seconds, answer = await took(asked(local, since, wait=1))
    told = await claims_of(local, answer)
    assert 0.9 < seconds < 3
    assert (told["entries"], told["next"], told["more"]) == ([], since, False)
    assert told["iat"] == int(local.clock.now.timestamp())
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Retry-After" not in answer.headers


@sqlite
async def test_nobody_waits_who_asks_for_everything_for_headers_or_not_to(local: Service) -> None:
    since = (await page(local))["next"]
    async with asyncio.timeout(5):
        everything = await local.program.get(FEED)
        headers = await local.program.request("HEAD", FEED, params={"since": since})
        impatient = await asked(local, since, wait=0)
    assert [everything.status, headers.status, impatient.status] == [200] * 3
    assert headers.content_type == "application/jwt"
    assert await headers.read() == b""


@sqlite
@pytest.mark.slow
async def test_who_finds_no_place_to_wait_is_answered_at_once(start: Start) -> None:
    service = await start(ALLOWED_SERVICES=NOTES, REVOCATION_FOLLOWERS="3")
    who, since = await registered(service), (await page(service))["next"]
    places = [await waiting(service, since) for _ in range(2)]  # one client has half of them
    async with asyncio.timeout(5):
        late = await asked(service, since, wait=25)
    assert (late.status, late.headers["Retry-After"]) == (200, "1")
    assert (await claims_of(service, late))["entries"] == []
    await logout(who)
    for answer in await asyncio.gather(*places):
        assert len((await claims_of(service, answer))["entries"]) == 2


@sqlite
@pytest.mark.slow
async def test_who_leaves_gives_the_place_back(start: Start) -> None:
    service = await start(ALLOWED_SERVICES=NOTES, REVOCATION_FOLLOWERS="1")
    since = (await page(service))["next"]
    for _ in range(2):
        async with service.new_browser() as browser:
            task = asyncio.create_task(browser.get(FEED, params={"since": since}))
            done, _ = await asyncio.wait({task}, timeout=0.15)
            assert not done, "there was no place"
            task.cancel()
            await asyncio.wait({task})
        await asyncio.sleep(1.5 * NOTICED)


@sqlite
@pytest.mark.slow
async def test_all_who_wait_for_the_same_are_told_by_one_look_and_one_signature(
    local: Service,
) -> None:
    who, since = await registered(local), (await page(local))["next"]
    followers = [await waiting(local, since) for _ in range(10)]
    with statements() as seen:
        await logout(who)
        answers = await asyncio.gather(*followers)
    assert len({await answer.text() for answer in answers}) == 1
    assert len([each for each in seen if "revocation_feed.value" in each]) == 1


@sqlite
@pytest.mark.slow
async def test_the_database_is_asked_for_news_only_while_somebody_waits_for_them(
    local: Service,
) -> None:
    since = (await page(local))["next"]
    with statements() as seen:
        await asyncio.sleep(2 * feeds.INTERVAL)
    assert not [each for each in seen if "revocation_feed" in each]
    with statements() as seen:
        await asyncio.gather(*(asked(local, since, wait=1) for _ in range(5)))
    looks = [each for each in seen if "position IS NULL" in each]
    assert 2 <= len(looks) <= 2 * 5 + 1 / feeds.INTERVAL + 2, "who asks looks, before and after"
    with statements() as seen:
        await asyncio.sleep(2 * feeds.INTERVAL)
    assert len([each for each in seen if "revocation_feed" in each]) <= 1


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_database_that_goes_away_is_an_error_to_who_waits_and_no_end(
    start: Start, database_url: str, postgres: PostgresServer
) -> None:
    async with Proxy(postgres.port) as proxy:
        url = database_url.replace(f":{postgres.port}/", f":{proxy.port}/")
        service = await start(DATABASE_URL=url, DATABASE_TIMEOUT="1", ALLOWED_SERVICES=NOTES)
        who, since = await registered(service), (await page(service))["next"]
        follower = await waiting(service, since)
        await proxy.cut()
        seconds, answer = await took(follower)
        assert (answer.status, (await answer.json())["code"]) == (503, "unavailable")
        assert seconds < 4
        assert (await asked(service, since)).status == 503
        await proxy.mend()
        await logout(who)
        assert len((await page(service, since, wait=5))["entries"]) == 2
        await service.stop()


@sqlite
@pytest.mark.slow
async def test_the_end_of_the_service_answers_who_waits(serve: Serve) -> None:
    process = serve()
    await process.start()
    first = await process.program.get(FEED)
    assert first.status == 200
    follower = asyncio.create_task(process.program.get(FEED, params={"since": "0"}))
    done, _ = await asyncio.wait({follower}, timeout=0.3)
    assert not done
    seconds, code = await took(process.stop())
    answer = await follower
    assert (answer.status, code) == (200, 0)
    assert seconds < 5
