"""A service token says what the policies say at the moment when it is made."""

import json
from dataclasses import replace
from typing import Any

import jwt as pyjwt
import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from dhq_auth.plugins import PluginError
from dhq_auth.policies.grant import MAX_RULES
from dhq_auth.sdk.filters import decide
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service, Start, oidc
from tests.permissions.conftest import SERVICES, add, authorized
from tests.self_service.people import Person, ask, registered

pytestmark = pytest.mark.slow

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def answer(told: dict[str, Any], table: str, action: Any) -> str:
    """Return what the answer *told* says, as a service reads it."""
    decision = decide(told["filters"], table, action)
    return decision.where or decision.check or str(decision.effect)


async def test_what_the_policies_say_is_signed(ruled: Service, admin: Person, alice: Person):
    await add(admin, "todos", "all", "author_id = auth_user.id")
    await add(admin, "articles", "read", "")
    told = await authorized(alice)
    key = await (await ruled.browser.get("/auth/public-key")).text()
    claims = pyjwt.decode(told["token"], key, algorithms=["RS256"])
    assert claims["permissions"] == told["permissions"] == {"articles": {"read": True}}
    assert claims["filters"] == told["filters"]
    assert decide(claims["filters"], "todos", "create").set == {"author_id": alice.id}
    assert answer(told, "articles", "update") == "user_id = :p1"
    assert answer(told, "auth_policies", "read") == "deny"
    assert answer(await authorized(admin), "auth_policies", "read") == "allow"


async def test_a_service_goes_by_its_own_policies_first(admin: Person, alice: Person):
    await add(admin, "todos", "read", "")
    await add(admin, "all", "all", "false", "shop")
    await add(admin, "goods", "read", "", "shop")
    notes, shop = await authorized(alice), await authorized(alice, "shop")
    assert [answer(notes, table, "read") for table in ("todos", "goods")] == [
        "allow",
        "user_id = :p1",
    ]
    assert [answer(shop, table, "read") for table in ("todos", "goods")] == ["deny", "allow"]


async def test_a_change_is_in_force_at_once_here_and_in_a_second_replica(
    ruled: Service, start: Start, database_url: str, admin: Person, alice: Person
):
    other = await start(ALLOWED_SERVICES=SERVICES, EXTERNAL_ADDRESS=ruled.url)
    there = replace(alice, service=replace(other, url=str(other.browser.session._base_url)))
    policy = await add(admin, "todos", "read", "false")
    for expression, expected in [("", "allow"), ("a = 1", "a = :p1"), ("false", "deny")]:
        await admin.call("PUT", f"/auth/policies/{policy}", json={"expression": expression})
        for who in (alice, there):
            assert answer(await authorized(who), "todos", "read") == expected
    await admin.call("DELETE", f"/auth/policies/{policy}")
    for who in (alice, there):
        assert answer(await authorized(who), "todos", "read") == "user_id = :p1"


async def test_who_is_an_administrator_no_longer_is_none_in_the_next_token(
    admin: Person, alice: Person
):
    for is_admin, expected in [(True, "allow"), (False, "deny")]:
        status, _ = await admin.call("PUT", f"/auth/users/{alice.id}", json={"is_admin": is_admin})
        assert status == 200
        assert answer(await authorized(alice), "auth_users", "read") == expected


@pytest.mark.slow
async def test_with_a_hundred_thousand_policies_the_service_is_to_ask_and_soon(
    ruled: Service, admin: Person, alice: Person
):
    await insert(ruled, 100_000)
    told = await authorized(alice)
    assert (told["filters"]["ask"], told["permissions"]) == (True, {})


async def insert(service: Service, end: int, expression: str = "", *, first: int = 0) -> None:
    """Write policies past us for the tables from `t<first>` up to *end*."""
    database = Database(service.settings.database_url.value, pool=1, timeout=60)
    async with database.write() as db:
        await db.execute(
            text(
                "INSERT INTO policies (id, service, table_name, action, expression, description,"
                " created_at, updated_at) WITH RECURSIVE n(i) AS (SELECT CAST(:first AS INTEGER) UNION ALL"
                " SELECT i + 1 FROM n WHERE i < :last), one AS (SELECT created_at AS at"
                " FROM policies WHERE service = 'all' AND table_name = 'all')"
                " SELECT 'p' || i, 'all', 't' || i, 'read', :expression, '', at, at FROM n, one"
            ),
            {"first": first, "last": end - 1, "expression": expression},
        )
    await database.close()


@sqlite
async def test_as_many_policies_as_are_read_are_put_into_a_token(
    ruled: Service, admin: Person, alice: Person
):
    await insert(ruled, MAX_RULES - 3, "user_id = auth_user.id")
    assert (await authorized(alice))["filters"].keys() == {"v", "user", "rules"}
    await add(admin, "todos", "read", "")
    assert (await authorized(alice))["filters"]["ask"] is True


@sqlite
async def test_an_email_counts_once_it_is_verified(
    start: Start, issuer: OidcIssuer, subtests: pytest.Subtests
):
    for trusted in ("on", "off"):
        with subtests.test(trusted=trusted):
            service = await start(
                issuer, **oidc(issuer, TRUST_EMAIL=trusted), ALLOWED_SERVICES=SERVICES
            )
            await set_expression(service, "owner = auth_user.email")
            issuer.user |= {"sub": f"sub-{trusted}", "email": f"{trusted}@example.com"}
            token = await service.log_in("acme", browser=service.new_browser())
            query = {"service": "notes"}
            _, told = await ask(service, "GET", "/auth/authorize", bearer=token, params=query)
            expected = {"email": "on@example.com"} if trusted == "on" else {}
            assert told["filters"]["user"] == expected
            assert answer(told, "todos", "read") == ("owner = :p1" if expected else "deny")


async def set_expression(service: Service, expression: str) -> None:
    """Let the policy for all tables say something else, also what could not be stored."""
    database = Database(service.settings.database_url.value, pool=1, timeout=10)
    async with database.write() as db:
        await db.execute(
            text("UPDATE policies SET expression = :e WHERE table_name = 'all'"), {"e": expression}
        )
    await database.close()


@sqlite
@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("owner =", id="unfinished"),
        pytest.param("1=1; DROP TABLE users", id="a second statement"),
        pytest.param("a = auth_user.password_hash", id="an unknown attribute"),
        pytest.param("true -- or", id="a comment"),
        pytest.param("(" * 500 + "a" + ")" * 500, id="parentheses"),
        pytest.param("a = 1 or " * 100_000 + "true", id="a huge one"),
        pytest.param("TRUE\u200b", id="an invisible character"),
    ],
)
async def test_a_faulty_policy_that_was_written_past_us_denies(
    ruled: Service, alice: Person, expression: str
):
    await set_expression(ruled, expression)
    told = await authorized(alice)
    assert told["permissions"] == {}
    assert told["filters"]["rules"]["*"] == {"all": False}


@sqlite
@pytest.mark.parametrize("max_token", ["1k", "3k", "8k"])
async def test_no_token_is_larger_than_allowed_and_every_user_gets_one(
    start: Start, max_token: str
):
    service = await start(ALLOWED_SERVICES=SERVICES, MAX_TOKEN=max_token)
    person = await registered(service)
    asks = []
    for number in range(0, 40, 3):
        if number:
            await insert(service, number, "a = 'Zoë' or author_id = auth_user.id", first=number - 3)
        told = await authorized(person)
        assert len(told["token"]) <= service.settings.limits.max_token
        claims = pyjwt.decode(told["token"], options={"verify_signature": False})
        assert claims["filters"] == told["filters"]
        assert len(json.dumps(claims["filters"], separators=(",", ":"))) <= 4096
        asks.append("ask" in told["filters"])
        assert asks[-1] or len(told["filters"]["rules"]) == number + 3
    assert asks == sorted(asks)
    assert asks[-1]


@sqlite
async def test_it_takes_no_options(start: Start):
    with pytest.raises(PluginError, match="notes:policies: it takes no options"):
        await start(ALLOWED_SERVICES="notes:policies", PROVIDER_NOTES_FILE="x")
