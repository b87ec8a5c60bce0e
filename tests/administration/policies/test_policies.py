"""Policies over HTTP, for administrators."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text

from dhq_auth.audit import store as audit
from dhq_auth.db import Database
from tests.administration.policies.rules import (
    DEFAULTS,
    FIELDS,
    TODOS,
    add,
    asked,
    policies,
    policy_on,
)
from tests.fixtures.service import Start
from tests.self_service.people import Person, ask, logged_in

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ROUTES = [
    ("GET", "/auth/policies"),
    ("POST", "/auth/policies"),
    ("GET", "/auth/policies/{id}"),
    ("PUT", "/auth/policies/{id}"),
    ("DELETE", "/auth/policies/{id}"),
]
each_route = pytest.mark.parametrize(("method", "path"), ROUTES)


async def test_the_three_defaults_are_there_after_the_setup(admin: Person) -> None:
    found = await policies(admin)
    assert {key: policy["expression"] for key, policy in found.items()} == DEFAULTS
    assert all(policy["description"] for policy in found.values())


async def test_a_policy_is_made_as_the_contract_describes_one(admin: Person) -> None:
    made = await add(admin, **{**_named(TODOS), "description": "Whose it is.", "service": "notes"})
    assert made.keys() == FIELDS
    assert made == {**made, **TODOS, "service": "notes", "description": "Whose it is."}
    assert datetime.fromisoformat(made["created_at"]) == admin.service.clock.now
    assert made["updated_at"] == made["created_at"]
    assert await admin.call("GET", f"/auth/policies/{made['id']}") == (200, made)
    assert made in (await policies(admin)).values()


@sqlite
async def test_what_is_not_sent_has_its_default(admin: Person) -> None:
    made = await add(admin, "todos", "read", "")
    assert (made["service"], made["description"]) == ("all", "")


async def test_a_change_leaves_what_is_not_sent_and_is_in_force_at_once(
    admin: Person, alice: Person
) -> None:
    made = await add(admin, **_named(TODOS), description="Whose it is.")
    admin.service.clock.advance(seconds=1)
    status, changed = await admin.call(
        "PUT", f"/auth/policies/{made['id']}", json={"expression": ""}
    )
    assert (status, changed) == (
        200,
        {**made, "expression": "", "updated_at": changed["updated_at"]},
    )
    assert changed["updated_at"] > made["updated_at"]
    assert (await asked(alice, "todos", "read"))["decision"] == "allow"
    assert await admin.call("DELETE", f"/auth/policies/{made['id']}") == (200, {})
    assert (await asked(alice, "todos", "read"))["where"] == "user_id = :p1"


async def test_what_a_policy_is_for_may_be_changed_too(admin: Person, alice: Person) -> None:
    made = await add(admin, "todos", "read", "")
    where = f"/auth/policies/{made['id']}"
    sent = {"service": "notes", "table_name": "pages", "action": "update", "id": "mine"}
    status, changed = await admin.call("PUT", where, json=sent)
    assert status == 200, changed
    assert (changed["id"], changed["table_name"], changed["action"]) == (
        made["id"],
        "pages",
        "update",
    )
    assert (await asked(alice, "pages", "update", service="notes"))["decision"] == "allow"
    assert (await asked(alice, "todos", "read"))["decision"] == "filter"


@sqlite
async def test_what_changes_nothing_is_remembered_by_nobody(admin: Person) -> None:
    made = await add(admin, **_named(TODOS))
    admin.service.clock.advance(seconds=1)
    assert await admin.call("PUT", f"/auth/policies/{made['id']}", json=TODOS) == (200, made)
    assert await admin.call("PUT", f"/auth/policies/{made['id']}") == (200, made)


@pytest.mark.parametrize("again", ["add", "change"])
async def test_there_is_one_policy_for_each_service_table_and_action(
    admin: Person, again: str
) -> None:
    made = await add(admin, "todos", "read", "")
    other = await add(admin, "todos", "update", "")
    if again == "add":
        sent = {"table_name": "todos", "action": "read", "expression": "a = 1"}
        status, said = await admin.call("POST", "/auth/policies", json=sent)
    else:
        where = f"/auth/policies/{other['id']}"
        status, said = await admin.call("PUT", where, json={"action": "read"})
    assert (status, said["code"]) == (409, "policy_exists")
    assert (await policies(admin))["all", "todos", "read"] == made
    assert (await policies(admin))["all", "todos", "update"] == other


@sqlite
async def test_a_form_makes_and_changes_one_as_json_does(admin: Person) -> None:
    sent = {**TODOS, "description": "one\ntwo"}
    status, made = await admin.call("POST", "/auth/policies/", data=sent)
    assert (status, made) == (201, {**made, **sent})
    where = f"/auth/policies/{made['id']}/"
    status, changed = await admin.call("PUT", where, data={"expression": ""})
    assert (status, changed["expression"]) == (200, "")
    assert await admin.call("GET", where) == (200, changed)
    assert await admin.call("DELETE", where) == (200, {})


@sqlite
@each_route
async def test_nobody_in_particular_is_not_let_in(admin: Person, method: str, path: str) -> None:
    # Not even where a policy lets everybody.
    await add(admin, "auth_policies", "read_mine", "")
    for query in ("", "?mine"):
        where = path.format(id=(await policy_on(admin, "auth_policies"))["id"]) + query
        status, said = await ask(admin.service, method, where)
        assert (status, said["code"]) == (401, "missing_credential")


@sqlite
@each_route
async def test_who_is_no_administrator_is_known_and_may_not(
    admin: Person, alice: Person, method: str, path: str
) -> None:
    there = (await policy_on(admin, "auth_policies"))["id"]
    for policy_id in (there, "nothing", "%00"):
        status, said = await alice.call(method, path.format(id=policy_id), json=TODOS)
        assert (status, said["code"]) == (403, "forbidden")
    assert {key: p["expression"] for key, p in (await policies(admin)).items()} == DEFAULTS


@sqlite
@each_route
async def test_a_token_needs_the_scope_policies(admin: Person, method: str, path: str) -> None:
    where = path.format(id="nothing")
    narrow = await admin.make_token(title="narrow", scopes=["profile", "admin"])
    status, said = await ask(admin.service, method, where, bearer=narrow["token"], json={})
    assert (status, said["code"]) == (403, "insufficient_scope")
    wide = await admin.make_token(title="wide", scopes=["policies"])
    status, _ = await ask(admin.service, method, where, bearer=wide["token"], json={})
    assert status not in {401, 403}


@sqlite
async def test_a_cookie_counts_from_our_own_pages_alone(admin: Person) -> None:
    status, _ = await admin.in_browser("POST", "/auth/policies", json=TODOS)
    assert status == 201
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
        sent = {**TODOS, "table_name": "pages"}
        status, said = await admin.in_browser("POST", "/auth/policies", data=sent, headers=headers)
        assert (status, said["code"]) == (401, "missing_credential")


@sqlite
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "policy_id", ["nothing", "%00", "%ff", "%20", "x" * 200, "'", "evaluate2", "%E2%80%AE"]
)
async def test_a_policy_that_is_not_there_is_not_found(
    admin: Person, policy_id: str, method: str
) -> None:
    status, said = await admin.call(method, f"/auth/policies/{policy_id}", json={})
    assert (status, said["code"]) == (404, "not_found")


@sqlite
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/auth/policies", "GET, HEAD, POST"),
        ("DELETE", "/auth/policies", "GET, HEAD, POST"),
        ("POST", "/auth/policies/x", "DELETE, GET, HEAD, PUT"),
        ("GET", "/auth/policies/evaluate", "POST"),
        ("DELETE", "/auth/policies/evaluate/", "POST"),
        ("OPTIONS", "/auth/policies/evaluate", "POST"),
    ],
)
async def test_other_methods_are_told_which_are_meant(
    admin: Person, method: str, path: str, allowed: str
) -> None:
    answer = await admin.browser.request(method, path)
    assert answer.status == 405
    assert ", ".join(sorted(answer.headers["Allow"].split(", "))) == allowed


@sqlite
async def test_head_is_get_without_the_body_and_nothing_is_kept(admin: Person) -> None:
    for method in ("GET", "HEAD"):
        answer = await admin.browser.request(method, "/auth/policies")
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert bool(await answer.text()) == (method == "GET")


@sqlite
async def test_a_page_elsewhere_may_call_it_without_cookies(start: Start) -> None:
    service = await start(ALLOWED_ORIGINS="https://app.example.com")
    preflight = {"Access-Control-Request-Method": "PUT", "Origin": "https://app.example.com"}
    for path in ("/auth/policies/x", "/auth/policies/x/"):
        answer = await service.browser.request("OPTIONS", path, headers=preflight)
        assert answer.status == 204
        assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
        assert "Access-Control-Allow-Credentials" not in answer.headers


@sqlite
async def test_each_change_is_in_the_audit_log_once(admin: Person) -> None:
    made = await add(admin, **_named(TODOS))
    where = f"/auth/policies/{made['id']}"
    await admin.call("PUT", where, json={"expression": "a = 1"})
    await admin.call("PUT", where, json={"expression": "a = "})
    await admin.call("POST", "/auth/policies", json=TODOS)
    await admin.call("DELETE", where)
    await admin.call("DELETE", where)
    database = Database(admin.service.settings.database_url.value, pool=1, timeout=10)
    async with database.read() as db:
        rows = [row for row in await audit.latest(db, 100) if row["kind"].startswith("policy.")]
    await database.close()
    rows = [row for row in rows[::-1] if row["detail"]["policy_id"] == made["id"]]
    assert [row["kind"] for row in rows] == ["policy.added", "policy.changed", "policy.deleted"]
    assert {row["user_id"] for row in rows} == {admin.id}
    told = rows[1]["detail"]
    assert (told["before"]["expression"], told["expression"]) == (TODOS["expression"], "a = 1")


async def test_the_defaults_come_back_with_the_first_administrator(start: Start) -> None:
    service = await start()
    database = Database(service.settings.database_url.value, pool=1, timeout=10)
    async with database.write() as db:
        await db.execute(text("DELETE FROM policies"))
    await database.close()
    _, made = await ask(service, "POST", "/auth/setup")
    admin = await logged_in(service, made["username"], made["password"])
    assert {key: p["expression"] for key, p in (await policies(admin)).items()} == DEFAULTS


def _named(policy: dict[str, Any]) -> dict[str, Any]:
    return {"table": policy["table_name"], **{k: policy[k] for k in ("action", "expression")}}
