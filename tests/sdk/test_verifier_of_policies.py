"""The whole way: policies of the real service, its tokens, and the decisions of a verifier."""

from typing import Any

import pytest

from dhq_auth.sdk import ANONYMOUS, Caller, Decision, Unavailable, Verifier
from tests.fixtures.service import Service, Start
from tests.self_service.people import Person, ask, logged_in, registered

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def local(start: Start) -> Service:
    """The service whose policies rule `notes`."""
    return await start(ALLOWED_SERVICES="notes:providers.policies", PASSWORD_CHECKS="100000")


@pytest.fixture
async def admin(local: Service) -> Person:
    """The first administrator, who is logged in."""
    status, made = await ask(local, "POST", "/auth/setup")
    assert status == 201, made
    return await logged_in(local, made["username"], made["password"])


async def rule(admin: Person, table: str, action: str, expression: str) -> None:
    policy = {"service": "notes", "table_name": table, "action": action, "expression": expression}
    status, made = await admin.call("POST", "/auth/policies", json=policy)
    assert status == 201, made


async def caller(verifier: Verifier, person: Person) -> Caller:
    status, told = await person.call("GET", "/auth/authorize?service=notes")
    assert status == 200, told
    return await verifier.verify_async(told["token"])


def told(decision: Decision) -> tuple[str, Any]:
    return decision.effect.value, decision.where


async def test_tokens_and_questions_say_the_same_of_known_and_unknown_callers(
    local: Service, admin: Person
) -> None:
    await rule(admin, "notes", "all", "user_id = auth_user.id")
    await rule(admin, "notes", "read", "published or user_id = auth_user.id")
    alice = await registered(local, "alice")
    verifier = Verifier(local.url, service="notes", now=local.clock)
    known = await caller(verifier, alice)
    assert told(await verifier.decide(known, "notes", "delete")) == ("filter", "user_id = :p1")
    read = await verifier.decide(known, "notes", "read")
    assert read.where == "(published = :p1 OR user_id = :p2)"
    assert read.params == {"p1": True, "p2": known.user_id}
    assert (await verifier.decide(known, "other", "read")).where == "user_id = :p1"

    nobody = await verifier.decide(ANONYMOUS, "notes", "read")
    assert (nobody.where, nobody.params) == ("published = :p1", {"p1": True})
    assert told(await verifier.decide(ANONYMOUS, "notes", "read", mine=True)) == ("deny", None)
    assert told(await verifier.decide(ANONYMOUS, "notes", "create")) == ("deny", None)


async def large(admin: Person) -> None:
    """Make more rules than fit into a token."""
    for number in range(40):
        names = ", ".join(f"'{number}-{name:0>20}'" for name in range(8))
        await rule(admin, f"table_{number}", "read", f"owner = auth_user.id or kind in ({names})")


@pytest.mark.slow
async def test_rules_too_large_for_a_token_are_asked_for(local: Service, admin: Person) -> None:
    await large(admin)
    alice = await registered(local, "alice")
    made = await admin.make_token(scopes=["policies"])
    verifier = Verifier(local.url, service="notes", credential=made["token"], now=local.clock)
    known = await caller(verifier, alice)
    assert known.filters == {"v": 1, "ask": True, "user": {"username": "alice"}}
    decision = await verifier.decide(known, "table_7", "read")
    assert decision.params["p1"] == known.user_id
    assert decision.effect == "filter"

    await admin.call("POST", "/auth/tokens/revoke", json={})
    local.clock.advance(seconds=2)
    with pytest.raises(Unavailable, match="401"):
        await verifier.decide(known, "table_7", "read")


@pytest.mark.slow
async def test_a_credential_that_may_not_ask_about_others_learns_nothing(
    local: Service, admin: Person
) -> None:
    await large(admin)
    alice, bob = await registered(local, "alice"), await registered(local, "bob")
    verifier = Verifier(local.url, service="notes", credential=bob.token, now=local.clock)
    with pytest.raises(Unavailable, match="403"):
        await verifier.decide(await caller(verifier, alice), "table_7", "read")
