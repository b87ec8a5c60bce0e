"""Users, for whom rules on `auth_users` let: which rows are read, changed, deleted and made."""

from typing import Any

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from tests.administration.policies.rules import add, policy_on, promoted
from tests.self_service.people import GOOD, Person, ask, registered

pytestmark = pytest.mark.slow

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HELP = "auth_user.is_admin or (auth_user.username = 'alice' and ({}))"
CAROL = {"username": "carol", "password": GOOD}


async def names(who: Person, query: str = "") -> list[str]:
    """Return the names of all the users whom *who* is shown, page by page."""
    found, cursor = [], ""
    while True:
        status, page = await who.call("GET", f"/auth/users?limit=2{query}{cursor}")
        assert status == 200, page
        found += [user["username"] for user in page["items"]]
        if page["next"] is None:
            return found
        assert len(page["items"]) == 2, "a page is full before there is another"
        cursor = f"&cursor={page['next']}"


async def shown(who: Person, whom: Person) -> int:
    return (await who.call("GET", f"/auth/users/{whom.id}"))[0]


async def test_a_rule_chooses_who_is_listed_and_shown(
    admin: Person, alice: Person, bob: Person
) -> None:
    for number in range(4):
        await registered(admin.service, f"zoe{number}")
    await add(admin, "auth_users", "read", HELP.format("username >= 'zoe1' or id = auth_user.id"))
    assert sorted(await names(alice)) == ["alice", "zoe1", "zoe2", "zoe3"]
    assert len(await names(admin)) == 7
    assert (await shown(alice, alice), await shown(admin, bob)) == (200, 200)
    hidden = await alice.call("GET", f"/auth/users/{bob.id}")
    nobody = await alice.call("GET", f"/auth/users/{'0' * 32}")
    assert {**hidden[1], "request_id": ""} == {**nobody[1], "request_id": ""}
    assert hidden[0] == nobody[0] == 404
    assert (await bob.call("GET", "/auth/users"))[0] == 403
    assert (await alice.call("PUT", f"/auth/users/{alice.id}", json={"name": "A"}))[0] == 403


READING: dict[str, tuple[str, set[str]]] = {
    "by id": ("id = auth_user.id", {"alice"}),
    "by another id": ("id != auth_user.id", {"admin", "bob", "Zed"}),
    "by a flag": ("is_admin", {"admin"}),
    "by no flag": ("not is_admin and is_active", {"alice", "bob", "Zed"}),
    "by a list": ("username in ('bob', 'alice', 'x')", {"alice", "bob"}),
    "by no list": ("username not in ('bob', 'alice')", {"admin", "Zed"}),
    "by nothing": ("email is null", {"admin", "bob", "Zed"}),
    "by something": ("email is not null", {"alice"}),
    "by what is claimed": ("email = 'alice@example.com'", {"alice"}),
    "by code points": ("username < 'a'", {"Zed"}),
    "by a time": ("created_at > '1970-01-01T00:00:00Z'", {"admin", "alice", "bob", "Zed"}),
    "by a time without a zone": ("created_at < '1970-01-01'", set()),
    "by two columns": ("created_at = updated_at", {"admin", "alice", "bob", "Zed"}),
    "by the same column": ("name = username or username = username", {"admin", "alice", "bob", "Zed"}),
    "a list with a number in it": ("username in ('bob', null)", {"bob"}),
}  # fmt: skip
NOBODY: dict[str, str] = {
    "a secret": "password = 'x'",
    "a digest of one": "hash is not null",
    "a column that is not told": "email_verified",
    "a column that is not told, or one that is": "id = auth_user.id or provider_id is null",
    "no column": "nothing = 1",
    "another case": "ID = auth_user.id",
    "a word of SQL": "order = 1",
    "a flag as a text": "is_admin = 'false'",
    "a text as a number": "username != 5",
    "a text as a flag": "username",
    "a time as a number": "created_at > 5",
    "no time": "created_at != 'yesterday'",
    "a time before all": "created_at > '0001-01-01T00:00:00+23:59'",
    "a time after all": "created_at < '9999-12-31T23:59:59-23:59'",
    "a time and a text": "created_at > username",
    "a flag and a text": "is_admin = username",
    "times in a list, one of which is none": "created_at not in ('1970-01-01', 'x')",
    "an org": "org_id = 7",
}


@pytest.fixture
async def everybody(admin: Person, alice: Person, bob: Person) -> list[Person]:
    return [admin, alice, bob, await registered(admin.service, "Zed")]


async def see(admin: Person, expression: str) -> None:
    """Let the policy for reading be *expression*, an administrator changing it again and again."""
    there = await policy_on(admin, "auth_users", "read")
    sent = {"expression": expression}
    status, said = await admin.call("PUT", f"/auth/policies/{there['id']}", json=sent)
    assert status == 200, said


@pytest.mark.slow
async def test_list_and_record_agree_whatever_the_rule_speaks_of(everybody: list[Person]) -> None:
    admin, alice, *_ = everybody
    await add(admin, "auth_users", "read", "")
    for name, (expression, expected) in READING.items():
        await see(admin, expression)
        assert set(await names(alice)) == expected, name
        seen = {who.name for who in everybody if await shown(alice, who) == 200}
        assert seen == expected, name


@pytest.mark.slow
async def test_a_rule_that_is_no_rule_for_users_lets_nobody(everybody: list[Person]) -> None:
    admin, alice, *_ = everybody
    await add(admin, "auth_users", "read", "")
    for name, expression in NOBODY.items():
        await see(admin, expression)
        for who in (alice, admin):
            assert (await who.call("GET", "/auth/users"))[0] == 403, name
            assert await shown(who, alice) == 403, name
    assert (await alice.call("GET", "/auth/users/me"))[0] == 200


async def test_what_is_mine_is_listed_by_rules_of_its_own(admin: Person, alice: Person) -> None:
    assert (await alice.call("GET", "/auth/users?mine"))[0] == 403
    await add(admin, "auth_users", "read_mine", "id = auth_user.id")
    for query in ("&mine", "&mine=", "&mine=true"):
        assert await names(alice, query) == ["alice"]
        assert await names(admin, query) == ["admin"]
    assert (await alice.call("GET", "/auth/users?mine=false"))[0] == 403
    assert (await alice.call("GET", "/auth/users"))[0] == 403
    assert len(await names(admin)) == 2


async def test_who_is_out_of_reach_is_not_changed_and_who_is_in_reach_stays_in_it(
    admin: Person, alice: Person, bob: Person
) -> None:
    await add(admin, "auth_users", "update", HELP.format("is_active and name is null"))
    where = f"/auth/users/{bob.id}"
    status, said = await alice.call("PUT", where, json={"first_name": "B", "name": None})
    assert (status, said["first_name"]) == (200, "B")
    # The row would be none that she may write.
    for change in ({"name": "Bob"}, {"is_active": False}):
        status, said = await alice.call("PUT", where, json=change)
        assert (status, said["code"]) == (403, "forbidden")
    status, there = await admin.call("PUT", where, json={"name": "Bob"})
    assert (status, there["is_active"]) == (200, True)
    status, said = await alice.call("PUT", where, json={"name": None})
    assert (status, said["code"]) == (404, "not_found")
    assert (await bob.call("GET", "/auth/users/me"))[1] == there


@sqlite
async def test_who_is_out_of_reach_is_not_deleted(
    admin: Person, alice: Person, bob: Person
) -> None:
    await add(admin, "auth_users", "delete", HELP.format("username = 'bob'"))
    for whom in (admin, alice):
        assert (await alice.call("DELETE", f"/auth/users/{whom.id}"))[0] == 404
    assert await alice.call("DELETE", f"/auth/users/{bob.id}") == (200, {})
    assert (await alice.call("DELETE", f"/auth/users/{bob.id}"))[0] == 404


async def test_who_is_made_is_as_the_rule_says(admin: Person, alice: Person) -> None:
    await add(
        admin, "auth_users", "create", HELP.format("last_name = 'Guest' and first_name = 'A'")
    )
    sent = {**CAROL, "first_name": "A", "last_name": "Owner"}
    status, made = await alice.call("POST", "/auth/users", json=sent)
    assert (status, made["first_name"], made["last_name"]) == (201, "A", "Guest")
    assert made["is_admin"] is False
    status, made = await admin.call("POST", "/auth/users", json={**sent, "username": "dan"})
    assert (status, made["last_name"]) == (201, "Owner")


@sqlite
@pytest.mark.parametrize(
    "rule",
    [
        "id = auth_user.id",
        "is_active = false",
        "created_at < '1970-01-01'",
        "username in ('guest', 'visitor')",
        "username = 'x' or username = 'y'",
        "last_name = first_name",
        "email = 'not an email'",
        "username = 'no name'",
    ],
)
async def test_nobody_is_made_whom_the_rule_does_not_mean(
    admin: Person, alice: Person, rule: str
) -> None:
    await add(admin, "auth_users", "create", HELP.format(rule))
    status, said = await alice.call("POST", "/auth/users", json=CAROL)
    assert status in {400, 403}, said
    assert len((await admin.call("GET", "/auth/users"))[1]["items"]) == 2
    assert (await ask(admin.service, "POST", "/auth/login", json=CAROL))[0] == 401


@sqlite
@pytest.mark.parametrize(
    "rule",
    [
        "",
        "auth_user.is_authenticated",
        "auth_user.username = 'alice' or auth_user.is_admin",
        "auth_user.is_admin or id is not null",
        "auth_user.is_admin or id = auth_user.id or username = 'bob' or username = 'admin'",
        "is_admin = auth_user.is_admin or auth_user.is_admin",
        "auth_user.is_admin or not is_admin",
    ],
)
async def test_a_delegate_makes_nobody_an_administrator_and_touches_none(
    admin: Person, alice: Person, bob: Person, rule: str
) -> None:
    await promoted(admin, "boss")
    for action in ("update", "delete", "create"):
        await add(admin, "auth_users", action, rule)
    for whom in (alice, bob):
        where = f"/auth/users/{whom.id}"
        for sent in ({"is_admin": True}, {"name": "X", "is_admin": True}):
            status, said = await alice.call("PUT", where, json=sent)
            assert (status, said["code"]) == (403, "forbidden")
            status, said = await alice.call("PUT", where, data={**sent, "is_admin": "true"})
            assert status == 403
        status, said = await alice.call("PUT", where, json={"first_name": "X"})
        assert (status, said["is_admin"]) == (200, False)
    for sent in ({"is_admin": False}, {"is_active": False}, {"name": "X"}, {}):
        assert (await alice.call("PUT", f"/auth/users/{admin.id}", json=sent))[0] == 404
    assert (await alice.call("DELETE", f"/auth/users/{admin.id}"))[0] == 404
    assert (await admin.call("GET", f"/auth/users/{admin.id}"))[1]["name"] is None
    _, made = await alice.call("POST", "/auth/users", json={**CAROL, "is_admin": True})
    assert made.get("is_admin", False) is False
    # An administrator may, who is let by the same rule.
    assert (await admin.call("PUT", f"/auth/users/{bob.id}", json={"is_admin": True}))[0] == 200


async def test_a_rule_that_speaks_of_administrators_is_taken_by_its_word(
    admin: Person, alice: Person, bob: Person
) -> None:
    rule = "is_admin = false or (username = 'bob' and is_admin in (true, false))"
    await add(admin, "auth_users", "update", HELP.format(rule))
    carol = await registered(admin.service, "carol")
    promote: Any = {"is_admin": True}
    assert (await alice.call("PUT", f"/auth/users/{bob.id}", json=promote))[0] == 200
    assert (await alice.call("PUT", f"/auth/users/{carol.id}", json=promote))[0] == 403
    assert (await alice.call("PUT", f"/auth/users/{alice.id}", json=promote))[0] == 403
    assert (await alice.call("PUT", f"/auth/users/{admin.id}", json={"name": "X"}))[0] == 404
    assert (await alice.call("PUT", f"/auth/users/{bob.id}", json={"is_admin": False}))[0] == 200


@sqlite
async def test_a_delegate_s_token_needs_the_scope_all_the_same(
    admin: Person, alice: Person
) -> None:
    await add(admin, "auth_users", "read", "")
    narrow = (await alice.make_token(scopes=["profile", "policies"]))["token"]
    status, said = await ask(alice.service, "GET", "/auth/users", bearer=narrow)
    assert (status, said["code"]) == (403, "insufficient_scope")
    wide = (await alice.make_token(scopes=["admin"]))["token"]
    assert (await ask(alice.service, "GET", "/auth/users", bearer=wide))[0] == 200
    assert (await ask(alice.service, "GET", "/auth/users"))[0] == 401


@sqlite
async def test_administrators_themselves_are_bound_by_the_rule(
    admin: Person, alice: Person
) -> None:
    await add(admin, "auth_users", "delete", "auth_user.is_admin and is_admin = false")
    await add(admin, "auth_users", "read", "auth_user.username = 'auditor'")
    boss = await promoted(admin, "boss")
    assert (await admin.call("GET", "/auth/users"))[0] == 403
    assert (await admin.call("DELETE", f"/auth/users/{boss.id}"))[0] == 404
    assert (await admin.call("DELETE", f"/auth/users/{alice.id}"))[0] == 200


@sqlite
@pytest.mark.parametrize(
    "expression", ["is_admin =", "auth_user.org", "1 = 1; drop table users", "(" * 5000]
)
async def test_a_faulty_rule_in_the_table_lets_nobody_and_breaks_nothing(
    admin: Person, expression: str
) -> None:
    made = await add(admin, "auth_users", "all", "", service="notes")
    there = await policy_on(admin, "auth_users")
    database = Database(admin.service.settings.database_url.value, pool=1, timeout=10)
    async with database.write() as db:
        await db.execute(
            text("UPDATE policies SET expression = :this WHERE id IN (:one, :other)"),
            {"this": expression, "one": there["id"], "other": made["id"]},
        )
    await database.close()
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/x"), ("PUT", "/x"), ("DELETE", "/x")):
        assert (await admin.call(method, f"/auth/users{path}", json=CAROL))[0] == 403
    assert (await policy_on(admin, "auth_users"))["expression"] == expression
    sent = {"expression": "auth_user.is_admin"}
    assert (await admin.call("PUT", f"/auth/policies/{there['id']}", json=sent))[0] == 200
    assert (await admin.call("GET", "/auth/users"))[0] == 200
