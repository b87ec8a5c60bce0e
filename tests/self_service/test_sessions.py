"""One's own sessions: seen, ended one by one or all, and nobody else's."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from dhq_auth.clock import rfc3339
from dhq_auth.db import Database
from dhq_auth.sessions import store
from tests.fixtures.service import FrozenClock, Start
from tests.self_service.people import (
    Person,
    cookie_of,
    is_known,
    is_signed_in,
    logged_in,
    registered,
)

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def sessions(person: Person) -> list[dict[str, object]]:
    status, said = await person.call("GET", "/auth/sessions")
    assert status == 200, said
    return said["items"]


async def test_they_are_listed_with_what_their_owner_knows_them_by(
    alice: Person, bob: Person, clock: FrozenClock
) -> None:
    phone = alice.service.new_browser()
    agent = {"User-Agent": "Mozilla/5.0 (iPhone)\tFxiOS/1"}
    sent = {"username": "alice", "password": "correct horse battery staple"}
    await phone.post("/auth/login", json=sent, headers=agent)
    one, other = sorted(await sessions(alice), key=lambda each: not each["current"])
    assert (one["current"], other["current"]) == (True, False)
    assert other["user_agent"] == "Mozilla/5.0 (iPhone)FxiOS/1"
    assert {name: one[name] for name in ("provider", "address", "created_at", "used_at")} == {
        "provider": "password",
        "address": "127.0.0.1",
        "created_at": rfc3339(clock.now),
        "used_at": rfc3339(clock.now),
    }
    assert one["expires_at"] == rfc3339(clock.now + timedelta(days=7))
    assert {str(one["id"]), str(other["id"])}.isdisjoint(
        str(each["id"]) for each in await sessions(bob)
    )


async def test_one_ends_and_its_cookie_and_token_with_it(alice: Person) -> None:
    elsewhere = await alice.again()
    there = next(each for each in await sessions(alice) if not each["current"])
    status, said = await alice.call("DELETE", f"/auth/sessions/{there['id']}")
    assert (status, said["success"]) == (200, True)
    assert not await is_signed_in(elsewhere.browser)
    assert not await is_known(alice.service, elsewhere.token)
    assert await is_known(alice.service, alice.token)
    assert len(await sessions(alice)) == 1


async def test_who_ends_another_one_of_the_own_stays_signed_in(alice: Person) -> None:
    await alice.again()
    there = next(each for each in await sessions(alice) if not each["current"])
    assert (await alice.in_browser("DELETE", f"/auth/sessions/{there['id']}"))[0] == 200
    assert await is_signed_in(alice.browser)


@sqlite
async def test_those_that_are_over_are_not_listed(alice: Person, clock: FrozenClock) -> None:
    clock.advance(days=15)
    (session,) = await sessions(await alice.again())
    assert session["current"]


async def test_nobody_ends_the_session_of_another(alice: Person, bob: Person) -> None:
    (session,) = await sessions(alice)
    for wanted in (session["id"], "0" * 32, "x", "%00", "a/b", "%ED%A0%80", "' or 1=1 --"):
        status, _ = await bob.call("DELETE", f"/auth/sessions/{wanted}")
        assert status in {400, 404}, wanted
    assert await is_known(alice.service, alice.token)


async def test_all_of_them_end_but_nothing_of_others_and_no_api_token(
    alice: Person, bob: Person
) -> None:
    elsewhere, made = await alice.again(), await alice.make_token()
    status, said = await alice.in_browser("DELETE", "/auth/sessions")
    assert (status, said["success"]) == (200, True)
    for person in (alice, elsewhere):
        assert not await is_signed_in(person.browser)
        assert not await is_known(alice.service, person.token)
    assert await is_known(alice.service, made["token"])
    assert await is_known(alice.service, bob.token)


@sqlite
async def test_ending_the_own_one_takes_the_cookie_back(alice: Person) -> None:
    (session,) = await sessions(alice)
    answer = await alice.browser.delete(f"/auth/sessions/{session['id']}")
    assert answer.cookies["session"]["max-age"] == "0"


@sqlite
async def test_a_login_has_a_new_id_and_the_old_value_is_dead(alice: Person) -> None:
    before = cookie_of(alice)
    sent = {"username": "alice", "password": "correct horse battery staple"}
    await alice.browser.post("/auth/login", json=sent)
    assert cookie_of(alice) != before
    thief = alice.service.new_browser()
    said = await thief.get("/auth/check", headers={"Cookie": f"session={before}"})
    assert (await said.json())["reason"] == "expired"


@sqlite
async def test_a_session_whose_cookie_was_replaced_is_listed_for_its_token_lives_on(
    alice: Person, clock: FrozenClock
) -> None:
    sent = {"username": "alice", "password": "correct horse battery staple"}
    await alice.browser.post("/auth/login", json=sent)
    found = await sessions(alice)
    assert len(found) == 2
    assert all(str(each["expires_at"]) > rfc3339(clock.now) for each in found)
    replaced = next(each for each in found if each["current"])  # by its login token
    assert (await alice.call("DELETE", f"/auth/sessions/{replaced['id']}"))[0] == 200
    assert not await is_known(alice.service, alice.token)
    assert await is_signed_in(alice.browser)


@sqlite
async def test_they_are_read_in_parts(alice: Person) -> None:
    for _ in range(4):
        await alice.again()
    seen, cursor = [], ""
    while True:
        status, part = await alice.call("GET", f"/auth/sessions?limit=2&cursor={cursor}")
        assert status == 200
        seen += [each["id"] for each in part["items"]]
        cursor = part["next"]
        if cursor is None:
            break
        assert len(part["items"]) == 2
    assert len(seen) == len(set(seen)) == 5


@sqlite
@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=-1", "limit=1e3", "limit=x", "limit=٣", "limit=99999999999",
     "cursor=x", "cursor=%00", "cursor=" + "a" * 33, "limit=1&limit=2"],
)  # fmt: skip
async def test_parts_that_cannot_be_are_refused(alice: Person, query: str) -> None:
    status, said = await alice.call("GET", f"/auth/sessions?{query}")
    assert (status, said["status"]) == (400, 400)


@sqlite
@pytest.mark.parametrize(
    ("settings", "steps", "known"),
    [
        # Absolute by default: use does not prolong it.
        ({"SESSION_DURATION": "3600"}, [1800, 1799], True),
        ({"SESSION_DURATION": "3600"}, [1800, 1801], False),
        # Renewed by use.
        ({"SESSION_DURATION": "3600", "SESSION_SLIDING": "on"}, [3000, 3000, 3000], True),
        ({"SESSION_DURATION": "3600", "SESSION_SLIDING": "on"}, [3000, 3600], False),
        # Not within a minute of the last time: then the end is still the old one.
        ({"SESSION_DURATION": "3600", "SESSION_SLIDING": "on"}, [59, 3542], False),
        ({"SESSION_DURATION": "3600", "SESSION_SLIDING": "on"}, [60, 3599], True),
        # Ended by idleness, whatever else it is.
        ({"SESSION_IDLE": "10m"}, [500, 500, 500], True),
        ({"SESSION_IDLE": "10m"}, [500, 601], False),
        ({"SESSION_IDLE": "10m", "SESSION_DURATION": "0"}, [599, 600], False),
        ({"SESSION_IDLE": "10m", "SESSION_DURATION": "1200"}, [500, 500, 201], False),
        # Never.
        ({"SESSION_DURATION": "0"}, [10 * 365 * 86400], True),
        ({"SESSION_DURATION": "0", "SESSION_SLIDING": "on"}, [10 * 365 * 86400], True),
    ],
)
async def test_how_long_a_session_lasts(
    start: Start, clock: FrozenClock, settings: dict[str, str], steps: list[int], *, known: bool
) -> None:
    person = await registered(await start(**settings))
    cookie = {"Cookie": f"session={cookie_of(person)}"}  # browsers have clocks of their own
    for seconds in steps[:-1]:
        clock.advance(seconds=seconds)
        answer = await person.service.new_browser().get("/auth/check", headers=cookie)
        assert (await answer.json())["authenticated"], seconds
    clock.advance(seconds=steps[-1])
    answer = await person.service.new_browser().get("/auth/check", headers=cookie)
    assert (await answer.json())["authenticated"] is known


async def test_a_session_that_slides_is_renewed_where_it_is_kept(
    start: Start, clock: FrozenClock
) -> None:
    settings = {"SESSION_DURATION": "3600", "SESSION_SLIDING": "on"}
    person = await registered(await start(**settings))
    for _ in range(3):
        clock.advance(minutes=50)
        assert await is_signed_in(person.browser)
    other = await start(**settings)  # another process, on the same database
    cookie = {"Cookie": f"session={cookie_of(person)}"}
    answer = await other.new_browser().get("/auth/check", headers=cookie)
    assert (await answer.json())["authenticated"]


async def test_it_is_renewed_once_a_minute_at_most(start: Start, clock: FrozenClock) -> None:
    person = await registered(await start(SESSION_DURATION="3600", SESSION_SLIDING="on"))
    database = Database(person.service.settings.database_url.value, pool=1, timeout=20)
    ends: list[object] = []
    for _ in range(10):
        assert await is_signed_in(person.browser)
        async with database.read() as db:
            found = await db.execute(text("SELECT expires_at FROM sessions"))
            ends.append({*found.scalars()}.pop())
        clock.advance(seconds=15)
    await database.close()
    assert len({str(end) for end in ends}) == 3  # at the login, after 60 s, after 120 s
    assert ends[0] == ends[3] != ends[4] == ends[7] != ends[8]


async def test_sessions_outlive_a_restart(start: Start) -> None:
    before = await start()
    person = await registered(before)
    made, cookie = await person.make_token(), cookie_of(person)
    await before.stop()
    after = await start()
    # The address is another one, and so the issuer: tokens of the same address are tried elsewhere.
    answer = await after.new_browser().get("/auth/check", headers={"Cookie": f"session={cookie}"})
    assert (await answer.json())["authenticated"]
    assert await is_known(after, made["token"])
    assert await is_known(after, (await logged_in(after, "alice")).token)


@sqlite
async def test_a_token_made_of_a_session_outlives_a_renewal_that_began_before(
    start: Start, clock: FrozenClock
) -> None:
    service = await start(SESSION_SLIDING="on", SESSION_DURATION="3600")
    await service.browser.post(
        "/auth/register",
        data={"username": "ada", "password": "correct horse battery staple"},
        headers={"Accept": "text/html"},
    )
    database = Database(service.settings.database_url.value, pool=1, timeout=20)
    [row] = await kept(database)
    later = clock.now + timedelta(days=20)
    async with database.write() as db:
        await store.keep_for_token(db, row.id, later)
        await store.renew(
            db,
            row.id,
            used_before=clock.now,
            now=clock.now,
            expires_at=clock.now + timedelta(hours=1),
            keep_until=clock.now + timedelta(days=14),
        )
    [row] = await kept(database)
    assert row.keep_until == later
    await database.close()


async def kept(database: Database) -> Sequence[Any]:
    async with database.read() as db:
        return (await db.execute(select(store.sessions))).all()


@sqlite
async def test_pages_for_who_is_signed_in_say_that_there_are_no_sessions(start: Start) -> None:
    service = await start(AUTH_TYPE="basic_auth")
    for path in ("/profile", "/profile/sessions", "/profile/tokens", "/profile/developer"):
        answer = await service.browser.get(path)
        assert (answer.status, (await answer.json())["code"]) == (403, "sessions_off")
