"""Policies, for whom rules on `auth_policies` let: a delegate has the rules of one service alone."""

import pytest

from tests.administration.policies.rules import TODOS, add, asked, policies, policy_on
from tests.self_service.people import Person, ask

pytestmark = pytest.mark.slow

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DELEGATE = "auth_user.is_admin or (auth_user.username = 'alice' and service = 'notes')"


@pytest.fixture
async def delegated(admin: Person, alice: Person) -> Person:
    """Alice, who has the policies of the service `notes`; an administrator has them all."""
    there = await policy_on(admin, "auth_policies")
    where = f"/auth/policies/{there['id']}"
    status, said = await admin.call("PUT", where, json={"expression": DELEGATE})
    assert status == 200, said
    return alice


async def test_a_delegate_has_the_rules_of_one_service(admin: Person, delegated: Person) -> None:
    other = await add(admin, **_named(), service="other")
    made = await add(delegated, **_named(), service="notes")
    assert await policies(delegated) == {("notes", "todos", "all"): made}
    where = f"/auth/policies/{made['id']}"
    assert await delegated.call("GET", where) == (200, made)
    assert (await delegated.call("PUT", where, json={"expression": ""}))[0] == 200
    for hidden in (other, await policy_on(admin, "auth_policies")):
        for method in ("GET", "PUT", "DELETE"):
            path = f"/auth/policies/{hidden['id']}"
            status, said = await delegated.call(method, path, json={"expression": ""})
            assert (status, said["code"]) == (404, "not_found")
    assert await delegated.call("DELETE", where) == (200, {})
    assert len(await policies(admin)) == 4


@sqlite
@pytest.mark.parametrize(
    "sent",
    [
        {"service": "all"},
        {"service": "other"},
        {"service": "all", "table_name": "auth_users", "action": "all"},
        {"service": "all", "table_name": "auth_policies", "action": "all"},
    ],
    ids=["all", "other", "users", "policies"],
)
async def test_a_rule_is_not_moved_out_of_the_service(
    admin: Person, delegated: Person, sent: dict[str, str]
) -> None:
    made = await add(delegated, "todos", "read", "", service="notes")
    status, said = await delegated.call("PUT", f"/auth/policies/{made['id']}", json=sent)
    # Neither is it told which are there.
    assert (status, said["code"]) == (403, "forbidden")
    assert made in (await policies(admin)).values()


@sqlite
@pytest.mark.parametrize("service", ["all", "other", None])
async def test_a_rule_is_not_made_for_another_service(
    admin: Person, delegated: Person, service: str | None
) -> None:
    there = "auth_users" if service == "all" else "todos"
    sent = {**TODOS, "table_name": there} | ({"service": service} if service else {})
    status, said = await delegated.call("POST", "/auth/policies", json=sent)
    assert (status, said.get("code")) == (201, None)
    assert said["service"] == "notes", "the rule says which, whatever is sent"
    assert len(await policies(admin)) == 4


@sqlite
async def test_a_rule_of_a_service_is_none_for_our_own_tables(
    admin: Person, delegated: Person
) -> None:
    for table in ("auth_users", "auth_policies", "all"):
        await add(delegated, table, "all", "", service="notes")
    assert (await delegated.call("GET", "/auth/users"))[0] == 403
    assert len(await policies(delegated)) == 3
    assert len(await policies(admin)) == 6


@sqlite
async def test_what_is_mine_goes_by_a_rule_of_its_own(admin: Person, alice: Person) -> None:
    await add(
        admin, "auth_policies", "read_mine", "table_name = 'todos' or action in ('read', 'x')"
    )
    await add(admin, **_named())
    await add(admin, "pages", "read", "")
    status, page = await alice.call("GET", "/auth/policies?mine&limit=1")
    assert (status, page["items"][0]["table_name"]) == (200, "pages")
    _, rest = await alice.call("GET", f"/auth/policies?mine=true&cursor={page['next']}")
    assert ([each["table_name"] for each in rest["items"]], rest["next"]) == (["todos"], None)
    assert (await alice.call("GET", "/auth/policies"))[0] == 403


@sqlite
@pytest.mark.parametrize(
    "rule", ["user_id = auth_user.id", "author = 1", "service = 5", "created_at = 'x'"]
)
async def test_a_rule_that_is_none_for_policies_lets_nobody(
    admin: Person, alice: Person, rule: str
) -> None:
    for action in ("read_mine", "read"):
        sent = {"expression": f"auth_user.is_admin or {rule}"}
        await add(admin, "auth_policies", action, **sent)
    for who, query in ((alice, ""), (alice, "?mine")):
        assert (await who.call("GET", f"/auth/policies{query}"))[0] == 403
    assert (await admin.call("GET", "/auth/policies"))[0] == 200


@sqlite
async def test_a_delegate_s_token_needs_the_scope_all_the_same(delegated: Person) -> None:
    narrow = (await delegated.make_token(scopes=["admin"]))["token"]
    assert (await ask(delegated.service, "GET", "/auth/policies", bearer=narrow))[0] == 403
    wide = (await delegated.make_token(scopes=["policies"]))["token"]
    assert (await ask(delegated.service, "GET", "/auth/policies", bearer=wide))[0] == 200


async def test_pages_follow_one_another_in_one_order(admin: Person) -> None:
    for table in ("b", "a", "B", "a_b", "a.b"):
        for action in ("update", "read"):
            await add(admin, table, action, "", service="notes")
    everything = list(await policies(admin))
    found: list[tuple[str, str, str]] = []
    cursor: str | None = ""
    while cursor is not None:
        _, page = await admin.call("GET", f"/auth/policies?limit=3{cursor and '&cursor='}{cursor}")
        found += [(p["service"], p["table_name"], p["action"]) for p in page["items"]]
        # Whatever goes meanwhile, the place is kept.
        await admin.call("DELETE", f"/auth/policies/{page['items'][-1]['id']}")
        cursor = page["next"]
    assert found == everything


@sqlite
async def test_a_list_is_of_what_is_chosen(admin: Person, alice: Person) -> None:
    await add(admin, "todos", "read", "", service="notes")
    await add(admin, "todos", "update", "", service="notes")
    await add(admin, "todos", "read", "")
    for query, number in (
        ("service=notes", 2),
        ("service=all&table_name=todos", 1),
        ("action=read", 2),
        ("service=notes&table_name=todos&action=update", 1),
        ("service=nothing", 0),
        ("table_name=auth_users", 1),
    ):
        _, page = await admin.call("GET", f"/auth/policies?{query}")
        assert (len(page["items"]), page["next"]) == (number, None), query
    assert (await asked(alice, "todos", "update", service="notes"))["decision"] == "allow"


def _named() -> dict[str, str]:
    return {"table": "todos", "action": "all", "expression": TODOS["expression"]}
