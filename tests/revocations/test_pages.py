"""What a page of the feed says, who may keep it, and from where it goes on."""

from collections.abc import AsyncIterator
from datetime import timedelta

import jwt as pyjwt
import pytest
from sqlalchemy import delete, update

from dhq_auth.db import Database
from dhq_auth.duties import store as duties
from dhq_auth.revocations import feed as feeds
from dhq_auth.revocations import store
from dhq_auth.tokens.store import signing_keys
from tests.fixtures.service import FrozenClock, Service, Start
from tests.revocations.conftest import NOTES
from tests.revocations.following import FEED, asked, claims_of, entries, page, pages

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The database of the service, opened beside it."""
    database = Database(database_url, pool=2, timeout=20)
    yield database
    await database.close()


async def revoke(database: Database, clock: FrozenClock, *values: str) -> None:
    async with database.write() as db:
        for at in range(0, len(values), store.MOST_OF_A_USER):
            some = values[at : at + store.MOST_OF_A_USER]
            await store.add_sessions(db, "nobody", some, clock.now)


async def forget(database: Database, clock: FrozenClock) -> int:
    async with database.write() as db:
        return await store.prune(db, clock.now, 10_000)


def values(told: dict[str, list[dict[str, object]]]) -> list[object]:
    return [entry["sid"] for entry in told["entries"]]


async def test_a_page_says_what_ended_when_and_how_it_goes_on(
    local: Service, database: Database, clock: FrozenClock
) -> None:
    async with database.write() as db:
        for kind in ("jti", "sid", "user", "kid"):
            await store.add(db, kind, f"a {kind}", clock.now)  # type: ignore[arg-type]
    answer = await asked(local)
    told = await claims_of(local, answer)
    at = int(clock.now.timestamp())
    expected = [{kind: f"a {kind}", "at": at} for kind in ("jti", "sid", "user", "kid")]
    assert sorted(told["entries"], key=str) == sorted(expected, key=str)
    assert (told["iss"], told["aud"], told["iat"]) == (local.url, "revocations", at)
    assert (told["since"], told["more"]) == (None, False)
    assert told["kept"] == 15 * 60 + 3600
    assert answer.content_type == "application/jwt"
    assert answer.headers["Cache-Control"] == "no-store"
    header = pyjwt.get_unverified_header(await answer.text())
    assert header["typ"] == "revocations+jwt"
    assert header["kid"] in await (await local.program.get("/.well-known/jwks.json")).text()
    after = await page(local, told["next"])
    assert (after["entries"], after["since"], after["next"]) == ([], told["next"], told["next"])


@sqlite
async def test_no_published_verifier_takes_a_page_for_a_token(local: Service) -> None:
    text = await (await asked(local)).text()
    key = await (await local.program.get("/auth/public-key")).text()
    with pytest.raises(pyjwt.InvalidAudienceError):
        pyjwt.decode(text, key, algorithms=["RS256"], options={"verify_iat": False})
    known = await local.program.get("/auth/check", params={"jwt": text})
    assert (await known.json())["reason"] == "invalid"


async def test_what_ended_twice_stands_there_once_but_for_users(
    local: Service, database: Database, clock: FrozenClock
) -> None:
    for _ in range(2):
        async with database.write() as db:
            for kind in ("jti", "sid", "user", "kid"):
                await store.add(db, kind, "1", clock.now)  # type: ignore[arg-type]
        clock.advance(seconds=1)
    kinds = [next(iter(entry)) for entry in await entries(local)]
    assert sorted(kinds) == ["jti", "kid", "sid", "user", "user"]


@pytest.mark.slow
async def test_long_feeds_come_in_pages_of_which_the_full_ones_may_be_kept(
    local: Service, database: Database, clock: FrozenClock
) -> None:
    size = feeds.PAGE
    await revoke(database, clock, *(f"{number:05}" for number in range(2 * size + 1)))
    first, second, third = [told async for told in pages(local)]
    assert [len(told["entries"]) for told in (first, second, third)] == [size, size, 1]
    assert [told["more"] for told in (first, second, third)] == [True, True, False]
    everything = values(first) + values(second) + values(third)
    assert sorted(everything) == [f"{number:05}" for number in range(2 * size + 1)]
    kept = [
        (await asked(local, since)).headers["Cache-Control"]
        for since in (None, first["next"], second["next"])
    ]
    assert kept == ["no-store", "public, max-age=300", "no-store"]
    await revoke(database, clock, "newer")
    again = await page(local, first["next"])
    assert (again["entries"], again["next"]) == (second["entries"], second["next"])
    assert values(await page(local, third["next"])) == ["newer"]


@pytest.mark.slow
async def test_what_is_over_is_forgotten_and_who_was_before_it_begins_anew(
    local: Service, database: Database, clock: FrozenClock
) -> None:
    await revoke(database, clock, "1", "2")
    begun = await page(local)
    clock.advance(minutes=74)
    await revoke(database, clock, "3")
    assert await forget(database, clock) == 0, "tokens of that time may still be out there"
    followed = await page(local, begun["next"])
    assert values(followed) == ["3"]
    clock.advance(minutes=2)
    assert await forget(database, clock) == 2
    assert values(await page(local)) == ["3"]
    assert (await asked(local, begun["next"])).status == 200
    gone = await asked(local, "0")
    assert (gone.status, (await gone.json())["code"]) == (410, "revocations_gone")
    clock.advance(minutes=80)
    assert await forget(database, clock) == 1
    assert (await page(local))["entries"] == []
    assert (await page(local, followed["next"]))["entries"] == [], "it has seen everything"
    assert (await asked(local, begun["next"])).status == 410


async def test_a_key_that_was_revoked_is_never_forgotten(
    local: Service, database: Database, clock: FrozenClock
) -> None:
    async with database.write() as db:
        await store.add(db, "kid", "stolen", clock.now)
    clock.advance(days=1000)
    assert await forget(database, clock) == 0
    assert [entry["kid"] for entry in await entries(local)] == ["stolen"]


async def test_entries_are_kept_for_as_long_as_tokens_lived_before_the_setting_was_changed(
    local: Service, database: Database, clock: FrozenClock
) -> None:
    async with database.write() as db:
        await db.execute(update(signing_keys).values(longest_lifetime=86400))
    await revoke(database, clock, "1")
    clock.advance(hours=24, minutes=59)
    assert await forget(database, clock) == 0
    assert (await page(local))["kept"] == 25 * 3600
    clock.advance(minutes=2)
    assert await forget(database, clock) == 1


async def test_who_followed_a_database_that_was_restored_begins_anew(
    local: Service, database: Database, clock: FrozenClock
) -> None:
    await revoke(database, clock, "1", "2", "3")
    seen = await page(local)
    async with database.write() as db:  # the backup was made after the first
        await db.execute(delete(store.revocation_feed).where(store.revocation_feed.c.position > 1))
        await duties.advance(db, duties.REVOCATIONS, 1)
    assert (await asked(local, seen["next"])).status == 410, "that is beyond the end"
    await revoke(database, clock, "4", "5", "6")
    assert (await asked(local, seen["next"])).status == 410, "other entries have its position now"
    assert len(await entries(local)) == 4


@pytest.mark.slow
@sqlite
async def test_what_is_no_place_in_the_feed_or_no_time_is_refused(
    local: Service, subtests: pytest.Subtests
) -> None:
    bad = [
        *(("since", each) for each in ("x", "-1", "1.0", "0x1", "1-", "1-abc", "9" * 19, "1-ABCDEF00")),
        *(("since", each) for each in ("\x00", "٣", "1\n", "0-00000000-", "🦆", "1" * 9000, " 1")),
        *(("wait", each) for each in ("x", "-1", "26", "1.5", "1e1", "9" * 30, "٣", "+1", "1 ")),
    ]  # fmt: skip
    for name, value in bad:
        with subtests.test(name=name, value=ascii(value)[:20]):
            answer = await local.program.get(FEED, params={name: value})
            assert answer.status in ({400, 414} if len(value) > 100 else {400})
    assert (await local.program.get(f"{FEED}?since=0&since=0")).status == 400
    for method in ("POST", "PUT", "DELETE"):
        assert (await local.program.request(method, FEED)).status == 405
    for beyond in ("1", "9" * 18, "1-00000000", "000000000000000001"):
        assert (await asked(local, beyond)).status == 410
    blank = await local.program.get(FEED, params={"since": "", "wait": ""})
    assert blank.status == 200


@pytest.mark.slow
@sqlite
async def test_pages_from_elsewhere_may_read_it_as_they_may_the_keys(start: Start) -> None:
    service = await start(ALLOWED_SERVICES=NOTES, ALLOWED_ORIGINS="https://app.example.com")
    origin = {"Origin": "https://app.example.com"}
    answers = [
        await service.program.get(path, headers=origin) for path in (FEED, "/.well-known/jwks.json")
    ]
    for name in ("Access-Control-Allow-Origin", "Vary", "Access-Control-Allow-Credentials"):
        assert answers[0].headers.get(name) == answers[1].headers.get(name)
    assert (await service.program.request("OPTIONS", f"{FEED}/")).status in {204, 405}
    assert (await service.program.get(f"{FEED}/")).status == 200


async def test_tokens_live_as_long_as_the_setting_says_and_so_do_entries(start: Start) -> None:
    service = await start(SERVICE_TOKEN_LIFETIME="2h")
    assert (await page(service))["kept"] == timedelta(hours=3).total_seconds()
