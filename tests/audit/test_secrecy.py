"""Nothing secret stands in the audit log, wherever somebody sends it; nor can it be filled."""

import json
from typing import Any

import pytest

from dhq_auth.audit import store
from dhq_auth.db import Database
from tests.fixtures.service import FrozenClock, Service, Start
from tests.self_service.people import GOOD, Person, ask, basic, registered

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.slow,
]

SECRET = "kEEp-this-to-yourself-it-is-long-enough-for-anything"
PLACES = (
    *("username", "email", "password", "current_password", "new_password", "code", "token"),
    *("code_verifier", "token_id", "jwt", "state", "service", "title", "id", "confirmation"),
)


async def rows(service: Service) -> list[dict[str, Any]]:
    database = Database(service.settings.database_url.value, pool=1, timeout=10)
    async with database.read() as db:
        found = await store.latest(db, 10_000)
    await database.close()
    return found[::-1]


def routes(service: Service) -> list[tuple[str, str]]:
    return sorted(
        {
            (route.method, route.resource.canonical)
            for route in service.app.router.routes()
            if route.resource and route.method not in {"*", "HEAD", "OPTIONS"}
            if not route.resource.canonical.endswith("/")
            and "static" not in route.resource.canonical
        }
    )


async def test_what_is_sent_in_the_wrong_place_is_not_remembered(start: Start) -> None:
    service = await start(PASSWORD_CHECKS="100000", LOGIN_ATTEMPTS="1000")
    alice = await registered(service, "alice")
    made = await alice.make_token(title=SECRET)
    secrets = {SECRET, made["token"], alice.token, GOOD}
    headers = {"User-Agent": SECRET, "X-Request-ID": SECRET, "X-Forwarded-For": SECRET}
    credentials: list[dict[str, str]] = [
        {},
        {"Authorization": f"Bearer {made['token'][:-1]}"},
        {"Auth-Token": SECRET, "Cookie": f"session={SECRET}"},
        basic("alice", SECRET),
    ]
    for method, path in routes(service):
        place = path.replace("{id}", SECRET).replace("{provider}", SECRET)
        for credential in credentials:
            for sent in (dict.fromkeys(PLACES, SECRET), {"username": "alice", "password": SECRET}):
                answer = await service.program.request(
                    method,
                    place,
                    headers={**headers, **credential},
                    **{"params" if method == "GET" else "json": sent},
                )
                assert answer.status < 500, (method, path)
    await alice.call("DELETE", f"/auth/tokens/{made['token_id']}")
    kept = json.dumps(await rows(service), default=str)
    assert kept.count("login.refused") > 20
    assert not [secret for secret in secrets if secret in kept]


async def guess(service: Service, name: str, times: int) -> list[int]:
    sent = {"username": name, "password": "wrong"}
    return [(await ask(service, "POST", "/auth/login", json=sent))[0] for _ in range(times)]


def reasons(found: list[dict[str, Any]]) -> list[str]:
    return [row["detail"]["reason"] for row in found if row["kind"] == "login.refused"]


@pytest.fixture
async def alice(start: Start) -> Person:
    return await registered(await start(PASSWORD_CHECKS="100000", LOGIN_WINDOW="15m"))


async def test_too_many_guesses_are_told_once_in_each_window(
    alice: Person, clock: FrozenClock
) -> None:
    service = alice.service
    for times, name, known in ((12, "alice", alice.id), (12, "nobody", None)):
        assert await guess(service, name, times) == [*[401] * 5, *[429] * (times - 5)]
        found = [row for row in await rows(service) if row["user_id"] == known]
        assert reasons(found) == [*["wrong_password"] * 5, "throttled"]
    clock.advance(minutes=16)
    await guess(service, "alice", 12)
    found = [row for row in await rows(service) if row["user_id"] == alice.id]
    assert reasons(found) == [*["wrong_password"] * 5, "throttled"] * 2


async def test_an_address_that_guesses_at_everybody_is_told_once(start: Start) -> None:
    service = await start(PASSWORD_CHECKS="10")
    for number in range(40):
        await guess(service, f"nobody{number}", 1)
    assert reasons(await rows(service)) == [*["wrong_password"] * 10, "throttled"]


async def test_two_replicas_tell_it_once(start: Start) -> None:
    first, second = await start(PASSWORD_CHECKS="100000"), await start(PASSWORD_CHECKS="100000")
    await registered(first)
    for _ in range(5):
        await guess(first, "alice", 2)
        await guess(second, "alice", 2)
    assert reasons(await rows(first)) == [*["wrong_password"] * 5, "throttled"]
