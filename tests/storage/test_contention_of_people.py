"""Two replicas on one PostgreSQL at SERIALIZABLE: whatever people do at once, one order explains it.

Nothing is a 500, and what there was no getting through to is a 503 that promises nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from typing import Any

import pytest

from tests.administration.policies.rules import promoted
from tests.administration.setting_up import administrators
from tests.fixtures.service import Service, Start
from tests.self_service.people import (
    BETTER,
    GOOD,
    Person,
    ask,
    is_known,
    logged_in,
    registered,
    tokens,
)

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
AT_ONCE = 40
LOGIN_ATTEMPTS = 5
MAX_API_TOKENS = 5
Answer = tuple[int, Any]


@pytest.fixture
def database_url(serializable_url: str) -> str:
    """The DATABASE_URL of a database whose transactions are SERIALIZABLE."""
    return serializable_url


@pytest.fixture
async def replicas(start: Start) -> list[Service]:
    """Two services on one database, behind one name."""
    environ = {
        "EXTERNAL_ADDRESS": "http://localhost:8000",
        "PASSWORD_CHECKS": "100000",
        "LOGIN_ATTEMPTS": str(LOGIN_ATTEMPTS),
        "MAX_API_TOKENS": str(MAX_API_TOKENS),
    }
    return [await start(**environ) for _ in range(2)]


@pytest.fixture
async def admin(replicas: list[Service]) -> Person:
    """The first administrator, who is logged in."""
    status, made = await ask(replicas[0], "POST", "/auth/setup")
    assert status == 201, made
    return await logged_in(replicas[0], made["username"], made["password"])


async def at_once(asking: Iterable[Awaitable[Answer]]) -> tuple[Counter[int], list[Any]]:
    """Return how often each status was answered but 503, and what was said with it.

    Nine of ten get through at least.
    """
    answers = await asyncio.gather(*asking)
    said = [said for status, said in answers if status != 503]
    statuses = Counter(status for status, _ in answers)
    assert statuses.pop(503, 0) <= len(answers) // 10
    return statuses, said


async def test_of_many_who_choose_one_username_one_has_it(replicas: list[Service]) -> None:
    """Each of ten users tries it four times, at either replica."""
    people = []
    for number in range(AT_ONCE // 4):
        email = f"user{number}@example.com"
        sent = {"email": email, "password": GOOD}
        assert (await ask(replicas[0], "POST", "/auth/register", json=sent))[0] == 201
        people.append(await logged_in(replicas[0], email))
    statuses, said = await at_once(
        ask(replica, "POST", "/auth/update", bearer=person.token, json={"username": spelling})
        for person in people
        for replica in replicas
        for spelling in ("ada", "Ada")
    )
    assert set(statuses) == {200}
    assert [each["success"] for each in said].count(True) == 1
    resolved = [await ask(each, "GET", "/auth/resolve?username=ADA") for each in replicas]
    [owner] = {said["userid"] for _, said in resolved}
    assert owner in {person.id for person in people}


async def test_of_many_who_register_one_name_one_gets_it(replicas: list[Service]) -> None:
    sent = {"username": "ada", "password": GOOD}
    statuses, said = await at_once(
        ask(each, "POST", "/auth/register", json=sent) for each in replicas * (AT_ONCE // 2)
    )
    assert statuses[201] == 1
    assert set(statuses) == {201, 409}
    [owner] = {each["id"] for each in said if "id" in each}
    assert (await logged_in(replicas[1], "ada")).id == owner


async def test_of_many_setups_one_is_done(replicas: list[Service]) -> None:
    statuses, _ = await at_once(ask(each, "POST", "/auth/setup") for each in replicas * 8)
    assert statuses[201] == 1
    assert set(statuses) == {201, 409}
    assert await administrators(replicas[0]) == 1


async def test_nobody_gets_one_token_too_many(replicas: list[Service]) -> None:
    alice = await registered(replicas[0], "alice")
    statuses, _ = await at_once(
        ask(each, "POST", "/auth/tokens", bearer=alice.token, json={}) for each in replicas * 10
    )
    assert statuses[201] == MAX_API_TOKENS
    assert set(statuses) == {201, 409}
    assert len(await tokens(alice)) == MAX_API_TOKENS


async def test_of_many_developer_tokens_made_at_once_one_is_left(replicas: list[Service]) -> None:
    """Who waits does not see the one that is in the way of his own, and ends it all the same."""
    alice = await registered(replicas[0], "alice")
    statuses, made = await at_once(
        ask(each, "POST", "/auth/developer-token", bearer=alice.token) for each in replicas * 6
    )
    assert set(statuses) == {201}
    believed = [await is_known(replicas[0], each["token"]) for each in made]
    assert believed.count(True) == 1


async def test_no_attempt_too_many_is_judged(replicas: list[Service]) -> None:
    """Each guess is another one: those that are the same are judged together."""
    await registered(replicas[0], "alice")
    statuses, _ = await at_once(
        ask(
            replica,
            "POST",
            "/auth/login",
            json={"username": "alice", "password": f"the guess number {number} of {replica.url}"},
        )
        for number in range(AT_ONCE // 2)
        for replica in replicas
    )
    assert 0 < statuses[401] <= LOGIN_ATTEMPTS
    assert set(statuses) == {401, 429}


async def test_one_administrator_is_left_however_they_turn_on_each_other(
    admin: Person, replicas: list[Service]
) -> None:
    everybody = [admin, *[await promoted(admin, name) for name in ("boss", "chief", "head")]]
    statuses, _ = await at_once(
        ask(
            replica,
            "PUT",
            f"/auth/users/{victim.id}",
            bearer=person.token,
            json={"is_admin": False},
        )
        for person in everybody
        for victim in everybody
        for replica in replicas
    )
    assert set(statuses) <= {200, 403, 404, 409}
    assert await administrators(replicas[0]) >= 1


async def ended(admin: Person, alice: Person, how: str) -> Answer:
    """Return what is answered to what ends every login of *alice*."""
    match how:
        case "a new password":
            sent = {"current_password": GOOD, "new_password": BETTER}
            return await alice.call("POST", "/auth/users/me/password", json=sent)
        case "disabled":
            return await admin.call("PUT", f"/auth/users/{alice.id}", json={"is_active": False})
    return await admin.call("DELETE", f"/auth/users/{alice.id}")


@pytest.mark.parametrize("how", ["a new password", "disabled", "deleted"])
async def test_no_login_outlives_what_ends_them_all(
    admin: Person, replicas: list[Service], how: str
) -> None:
    alice = await registered(replicas[0], "alice")
    admin.service.clock.advance(seconds=1)  # a password is known by the time of its change
    sent = {"username": "alice", "password": GOOD}
    logins = [ask(each, "POST", "/auth/login", json=sent) for each in replicas * 8]
    (status, _), *answers = await asyncio.gather(ended(admin, alice, how), *logins)
    assert status == 200
    assert {status for status, _ in answers} <= {200, 400, 401, 429, 503}
    begun = [said["token"] for status, said in answers if status == 200]
    for token in [alice.token, *begun]:
        assert not await is_known(replicas[1], token)


async def test_of_many_policies_for_one_thing_one_is_made_and_deleted_once(
    admin: Person, replicas: list[Service]
) -> None:
    rule = {"table_name": "todos", "action": "read", "expression": ""}
    statuses, said = await at_once(
        ask(each, "POST", "/auth/policies", bearer=admin.token, json=rule) for each in replicas * 8
    )
    assert statuses[201] == 1
    assert set(statuses) == {201, 409}
    [made] = [each["id"] for each in said if "id" in each]
    statuses, _ = await at_once(
        ask(each, "DELETE", f"/auth/policies/{made}", bearer=admin.token) for each in replicas * 8
    )
    assert statuses[200] == 1
    assert set(statuses) == {200, 404}


async def test_of_two_rules_that_leave_nobody_together_one_is_made(
    admin: Person, replicas: list[Service]
) -> None:
    """Each alone leaves one administrator who can change policies, both together nobody."""
    boss, chief = await promoted(admin, "boss"), await promoted(admin, "chief")
    statuses, _ = await at_once(
        ask(
            replica,
            "POST",
            "/auth/policies",
            bearer=who.token,
            json={
                "table_name": "auth_policies",
                "action": action,
                "expression": f"auth_user.username = '{who.name}'",
            },
        )
        for replica in replicas
        for who, action in ((boss, "read"), (chief, "delete"))
    )
    assert statuses[201] == 1
    assert set(statuses) <= {201, 403, 409}
