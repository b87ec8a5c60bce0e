"""`/auth/authorize?explain=1` says why, to each as much as may be known, and never in the token."""

import json
from typing import Any

import jwt as pyjwt
import pytest

from dhq_auth.policies.why import MAX_SIZE
from dhq_auth.sdk.decision import ACTIONS
from tests.fixtures.service import Service
from tests.permissions.conftest import add, authorized
from tests.permissions.test_policies import insert
from tests.self_service.people import Person, ask

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

SECRET = "mallory@example.com"


async def explained(who: Person, table: str, action: str, service: str = "notes") -> Any:
    """Return why *who* may do what he may."""
    told = await authorized(who, service, explain="1")
    return told["explanation"]["tables"][table][action]


async def test_each_named_table_and_the_others_are_explained(admin: Person, alice: Person):
    await add(admin, "todos", "read", "author_id = auth_user.id")
    await add(admin, "todos", "all", "auth_user.is_admin")
    told = (await authorized(alice, explain="1"))["explanation"]
    assert told["complete"] is True
    assert told["tables"].keys() == {"*", "todos", "auth_users", "auth_policies"}
    for table in told["tables"].values():
        assert tuple(table) == ACTIONS
    read, update = told["tables"]["todos"]["read"], told["tables"]["todos"]["update"]
    assert (read["decision"], read["cause"]) == ("filter", "row")
    assert (update["decision"], update["cause"], update["attributes"]) == (
        "deny",
        "caller",
        ["is_admin"],
    )
    assert [
        (look["service"], look["table_name"], look["action"])
        for look in read["looked_at"]
        if look["found"] != "none"
    ] == [("all", "todos", "read"), ("all", "todos", "all"), ("all", "all", "all")]
    assert [look["found"] for look in read["looked_at"]].count("decides") == 1


async def test_who_may_read_the_policies_is_shown_them_and_what_would_have_allowed(
    admin: Person, alice: Person
):
    policy = await add(admin, "todos", "read", f"owner = auth_user.id or owner = '{SECRET}'")
    await add(admin, "notes", "read", "auth_user.id = 'x'", "notes")
    shown = await explained(admin, "todos", "read")
    assert shown["policy_id"] == policy
    assert SECRET in json.dumps(shown)
    assert shown["condition"] == f"owner = '{admin.id}' or owner = '{SECRET}'"
    hidden = await authorized(alice, explain="1")
    assert "expression" not in json.dumps(hidden["explanation"])
    assert SECRET not in json.dumps(hidden["explanation"])
    assert hidden["explanation"]["tables"]["todos"]["read"]["attributes"] == ["id"]


async def test_who_may_read_some_policies_is_shown_those(admin: Person, alice: Person):
    await add(admin, "auth_policies", "read", "auth_user.is_admin or service = 'shop'")
    await add(admin, "todos", "read", f"owner = '{SECRET}'")
    for table in ("all", "goods"):
        await add(admin, table, "all", "owner = 'shop'", "shop")
    # What is for all services was passed over, and is not for Alice to see.
    assert "expression" not in json.dumps(await explained(alice, "goods", "read", "shop"))
    assert "expression" in json.dumps(await explained(admin, "goods", "read", "shop"))
    await add(admin, "auth_policies", "read", "service in ('shop', 'all')", "shop")
    assert "expression" not in json.dumps(await explained(alice, "goods", "read", "shop"))


async def test_a_rule_on_what_policies_do_not_have_shows_none(admin: Person, alice: Person):
    await add(admin, "auth_policies", "read", "auth_user.is_admin or owner = auth_user.id")
    assert "expression" not in json.dumps(await explained(alice, "*", "read"))


@pytest.mark.parametrize(
    ("scopes", "shown"), [(["authorize:notes"], False), (["authorize:notes", "policies"], True)]
)
async def test_a_token_for_the_service_alone_is_not_shown_the_policies(
    ruled: Service, admin: Person, scopes: list[str], shown: bool  # noqa: FBT001
):  # fmt: skip
    await add(admin, "todos", "read", f"owner = '{SECRET}'")
    token = (await admin.make_token(scopes=scopes))["token"]
    query = {"service": "notes", "explain": "true"}
    status, told = await ask(ruled, "GET", "/auth/authorize", bearer=token, params=query)
    assert status == 200
    assert (SECRET in json.dumps(told["explanation"])) is shown


async def test_the_token_does_not_hold_it_and_is_the_same_without(admin: Person):
    with_it, without = await authorized(admin, explain="1"), await authorized(admin)
    claims = pyjwt.decode(with_it["token"], options={"verify_signature": False})
    assert "explanation" not in claims
    assert with_it["filters"] == without["filters"] == claims["filters"]
    assert "explanation" not in without


async def test_a_provider_that_does_not_explain_says_so_by_null(alice: Person):
    told = await authorized(alice, "plain", explain="1")
    assert told["explanation"] is None
    assert "explanation" not in await authorized(alice, "plain")


async def test_it_is_given_where_it_is_asked_for_in_one_of_four_words(alice: Person):
    for value in ("1", "true"):
        assert "explanation" in await authorized(alice, explain=value)
    for value in ("0", "false", ""):
        assert "explanation" not in await authorized(alice, explain=value)
    for value in ("2", "yes", "True", "1 ", "on", "\u0661", "a" * 300):
        query = {"service": "notes", "explain": value}
        status, told = await alice.call("GET", "/auth/authorize", params=query)
        assert (status, told["permissions"]) == (400, {})
    query = {"service": "notes"}
    status, _ = await alice.call("GET", "/auth/authorize?explain=1&explain=0", params=query)
    assert status == 400


async def test_without_a_credential_nothing_is_explained(ruled: Service):
    status, told = await ask(ruled, "GET", "/auth/authorize?service=notes&explain=1")
    assert status == 401
    assert "explanation" not in told


async def test_there_is_an_end_to_what_is_explained(ruled: Service, admin: Person):
    await insert(ruled, 150, "a = 1 or " * 110 + "b = 2")
    told = (await authorized(admin, explain="1"))["explanation"]
    assert told["complete"] is False
    assert "*" in told["tables"]
    assert MAX_SIZE // 2 < len(json.dumps(told)) < MAX_SIZE * 1.2
    await insert(ruled, 300, first=150)
    assert (await authorized(admin, explain="1"))["explanation"] == {
        "tables": {},
        "complete": False,
    }
