"""Guessing passwords: what is counted, where it ends, and what it does to others."""

import asyncio
from base64 import b64encode
from pathlib import Path

import pytest
from sqlalchemy import text

from dhq_auth.audit import store as audit
from dhq_auth.audit.store import Wanted
from dhq_auth.db import Database
from tests.fixtures.service import Service, Start

GOOD = "correct horse battery staple"
TRUSTING = {"TRUSTED_PROXIES": "127.0.0.0/8"}
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


def basic(name: str, password: str) -> str:
    return f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"


async def begun(start: Start, **environ: str) -> Service:
    service = await start(**TRUSTING, **environ)
    made = await service.browser.post(
        "/auth/register",
        json={"username": "alice", "email": "alice@example.com", "password": GOOD},
    )
    assert made.status == 201
    return service


async def attempt(
    service: Service, password: str, *, name: str = "alice", address: str = HERE
) -> int:
    answer = await service.browser.post(
        "/auth/login",
        json={"username": name, "password": password},
        headers={"X-Forwarded-For": address},
    )
    if answer.status == 429:
        assert 0 < int(answer.headers["Retry-After"]) <= 900
    return answer.status


@pytest.mark.slow
async def test_the_sixth_failure_in_the_window_is_the_end_of_it(start: Start) -> None:
    service = await begun(start)
    assert [await attempt(service, f"wrong {n}") for n in range(6)] == [401] * 5 + [429]
    assert await attempt(service, GOOD) == 429
    assert await attempt(service, GOOD, address=ELSEWHERE) == 200
    service.clock.advance(minutes=15, seconds=1)
    assert await attempt(service, GOOD) == 200


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_no_other_spelling_has_tries_of_its_own(start: Start) -> None:
    service = await begun(start)
    names = ["alice", "ALICE", " Alice", "alice@example.com", "ALICE@EXAMPLE.COM"]
    assert [await attempt(service, "wrong", name=name) for name in names] == [401] * 5
    # By email it is told as a wrong password: else it would be told whose email it is.
    assert await attempt(service, GOOD, name="aLICE@example.com") == 401
    assert await attempt(service, GOOD, name="aLICE") == 429


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_every_door_counts(start: Start) -> None:
    service = await begun(start)
    assert [await attempt(service, f"wrong {n}") for n in range(3)] == [401] * 3
    headers = {"Authorization": basic("alice", "wrong too"), "X-Forwarded-For": HERE}
    assert (await service.browser.get("/auth/users/me", headers=headers)).status == 401
    given = {"username": "alice", "password": "wrong as well"}
    headers = {"X-Forwarded-For": HERE}
    answer = await service.browser.post("/auth/tokens", json=given, headers=headers)
    assert answer.status == 401
    assert await attempt(service, GOOD) == 429
    headers["Authorization"] = basic("alice", GOOD)
    assert (await service.browser.get("/auth/users/me", headers=headers)).status == 429


@pytest.mark.slow
async def test_of_many_guesses_at_once_five_are_judged(start: Start) -> None:
    service = await begun(start)
    told = await asyncio.gather(*(attempt(service, f"wrong {n}") for n in range(20)))
    assert sorted(told) == [401] * 5 + [429] * 15


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_script_that_sends_its_password_with_each_request_is_no_guesser(
    start: Start,
) -> None:
    service = await begun(start, PASSWORD_CHECKS="3")
    headers = {"Authorization": basic("alice", GOOD)}
    answers = await asyncio.gather(
        *(service.browser.get("/auth/check", headers=headers) for _ in range(20))
    )
    assert [answer.status for answer in answers] == [200] * 20
    assert all([(await answer.json())["authenticated"] for answer in answers])


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_password_believed_before_does_not_pass_where_guessing_has_ended(
    start: Start,
) -> None:
    service = await begun(start)
    headers = {"Authorization": basic("alice", GOOD), "X-Forwarded-For": HERE}
    assert (await service.browser.get("/auth/check", headers=headers)).status == 200
    assert [await attempt(service, f"wrong {n}") for n in range(5)] == [401] * 5
    assert (await service.browser.get("/auth/check", headers=headers)).status == 429


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_forwarded_headers_of_strangers_give_no_new_tries(start: Start) -> None:
    service = await start()
    await service.browser.post("/auth/register", json={"username": "alice", "password": GOOD})
    told = [await attempt(service, f"wrong {n}", address=f"192.0.2.{n}") for n in range(6)]
    assert told == [401] * 5 + [429]


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_owner_gets_in_while_others_guess(start: Start) -> None:
    service = await begun(start, LOGIN_SLOWDOWN="0")
    for n in range(30):
        for m in range(4):
            await attempt(service, f"wrong {n} {m}", address=f"198.51.100.{n}")
    assert await attempt(service, GOOD) == 200


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_tries_many_names_is_held_up_too(start: Start) -> None:
    service = await begun(start, PASSWORD_CHECKS="10")
    told = [await attempt(service, "wrong", name=f"name{n}") for n in range(12)]
    assert told == [401] * 10 + [429] * 2


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("claimed", ["later", "earlier"])
async def test_who_claims_an_email_too_neither_guesses_on_nor_keeps_its_owner_out(
    start: Start, claimed: str
) -> None:
    service = await start(**TRUSTING, PASSWORD_CHECKS="1000", LOGIN_SLOWDOWN="0")
    own = "the password of mallory"
    people = {"alice": GOOD, "mallory": own}
    for name in people if claimed == "later" else reversed(people):
        account = {"username": name, "email": "alice@example.com", "password": people[name]}
        assert (await service.browser.post("/auth/register", json=account)).status == 201
    guesses = []
    for number in range(8):  # with a success of one's own after every fourth
        email = "alice@example.com"
        guesses.append(await attempt(service, f"wrong {number}", name=email))
        if number % 4 == 3:
            await attempt(service, own, name=email)
            service.clock.advance(minutes=6)  # no longer believed without a hash
    assert await attempt(service, GOOD, name="alice") == 429  # so only five were judged
    assert await attempt(service, GOOD, name="alice@example.com") == 401
    for number in range(6):
        await attempt(service, f"wrong {number}", name="mallory", address=ELSEWHERE)
    assert await attempt(service, own, name="mallory", address=ELSEWHERE) == 429
    assert await attempt(service, GOOD, name="alice@example.com", address=ELSEWHERE) == 200


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_name_of_nobody_is_counted_by_what_other_keys_cannot_tell(
    start: Start, tmp_path: Path
) -> None:
    """It may be a password that was typed into the wrong field: a plain digest could be guessed."""
    seen: list[set[str]] = []
    for folder in ("one", "other"):
        url = f"sqlite:///{tmp_path}/{folder}/dhq-auth.db"
        service = await start(DATABASE_URL=url)
        wrong = {"username": "Correct Horse Battery Staple", "password": GOOD}
        assert (await service.browser.post("/auth/login", json=wrong)).status == 401
        database = Database(url, pool=1, timeout=5)
        async with database.read() as db:
            seen.append({*(await db.execute(text("SELECT key FROM rate_limits"))).scalars()})
        await database.close()
    assert [len(keys) for keys in seen] == [2, 2]
    assert seen[0].isdisjoint(seen[1])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_right_password_of_a_disabled_account_is_refused_as_a_wrong_one(
    start: Start,
) -> None:
    service = await begun(start)
    database = Database(service.settings.database_url.value, pool=1, timeout=5)
    async with database.write() as db:
        await db.execute(text("UPDATE users SET is_active = false"))
    assert [await attempt(service, GOOD) for _ in range(6)] == [401] * 5 + [429]
    async with database.read() as db:
        told = await audit.latest(db, 10, Wanted(kind="login.refused"))
    await database.close()
    assert [row["detail"]["reason"] for row in told] == ["throttled", *["account_over"] * 5]
