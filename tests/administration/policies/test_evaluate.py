"""Asking what the policies let one do: everybody about himself, few about others."""

from typing import Any

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from tests.administration.policies.rules import add, asked, policy_on, promoted
from tests.fixtures.service import Start
from tests.self_service.people import Person, ask, basic, registered

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
EVALUATE = "/auth/policies/evaluate"
KEYS = {"decision", "where", "params", "set", "check", "policy_id", "reason", "tree"}


@pytest.fixture
async def rules(admin: Person) -> None:
    """The policies of the acceptance cases."""
    for table, action, expression in (
        ("todos", "all", "author_id = auth_user.id"),
        ("articles", "read", ""),
        ("articles", "all", "author_id = auth_user.id"),
        ("comments", "read", ""),
        ("reviews", "read", "auth_user.is_authenticated"),
    ):
        await add(admin, table, action, expression)
    database = Database(admin.service.settings.database_url.value, pool=1, timeout=10)
    notes = await add(admin, "notes", "read", "")
    async with database.write() as db:
        await db.execute(
            text("UPDATE policies SET expression = 'org_id = auth_user.org_id' WHERE id = :id"),
            {"id": notes["id"]},
        )
    await database.close()


ANYBODY = [
    # Who, table, action, decision, column of the filter.
    ("alice", "auth_users", "read", "deny", None),  # R1
    ("admin", "auth_users", "update", "allow", None),  # R2
    ("alice", "auth_policies", "read", "deny", None),  # R3
    ("admin", "auth_policies", "read", "allow", None),  # R4
    ("alice", "some_table", "read", "filter", "user_id"),  # R5
    ("alice", "todos", "read", "filter", "author_id"),  # R6
    ("alice", "todos", "create", "filter", "author_id"),  # R7
    ("alice", "articles", "read", "allow", None),  # R8
    ("alice", "comments", "read", "allow", None),  # R10
    ("alice", "reviews", "read", "allow", None),  # R12
    ("admin", "notes", "read", "deny", None),  # R14
    ("admin", "some_table", "read", "filter", "user_id"),  # R19
    ("alice", "notes", "read", "deny", None),  # R21
]


@pytest.mark.usefixtures("rules")
@pytest.mark.slow
async def test_each_case_is_decided_as_the_systems_before_did(admin: Person, alice: Person) -> None:
    who = {"admin": admin, "alice": alice}
    for name, table, action, decision, column in ANYBODY:
        said = await asked(who[name], table, action)
        assert said.keys() == KEYS
        assert (said["decision"], said["tree"] and said["tree"][1]) == (decision, column), table
        if column is not None:
            assert said["params"] == {"p1": who[name].id}
            assert said["set"] == ({column: who[name].id} if action == "create" else {})
            assert said["where"] == (None if action == "create" else f"{column} = :p1")
            assert said["check"] == (f"{column} = :p1" if action == "create" else None)


@pytest.mark.usefixtures("rules")
async def test_nobody_in_particular_may_ask_too(admin: Person) -> None:
    expected = {
        ("comments", "create"): "deny",  # R11: no rule of its own, so the one for all tables
        ("reviews", "read"): "deny",  # R13
        ("articles", "read"): "allow",  # R39
        ("articles", "update"): "deny",
        ("auth_users", "read"): "deny",
    }
    for (table, action), decision in expected.items():
        for request in ("json", "data"):
            sent = {request: {"table": table, "action": action}}
            status, said = await ask(admin.service, "POST", EVALUATE, **sent)
            assert (status, said["decision"]) == (200, decision), table
    sent = {"table": "articles", "action": "read", "mine": True}
    _, said = await ask(admin.service, "POST", EVALUATE, json=sent)
    assert said["decision"] == "deny", "a read of what is mine goes by no rule for reading"


@pytest.mark.usefixtures("rules")
@sqlite
@pytest.mark.slow
async def test_what_is_mine_goes_by_rules_of_its_own(admin: Person, alice: Person) -> None:
    mine = await asked(alice, "articles", "read", mine=True)
    assert (mine["decision"], mine["where"]) == ("filter", "author_id = :p1")
    assert mine == await asked(alice, "articles", "read_mine")
    assert (await asked(alice, "articles", "read", mine=False))["decision"] == "allow"
    await add(admin, "drafts", "all", "")
    assert (await asked(alice, "drafts", "read_mine"))["decision"] == "allow"  # R17
    said = await asked(alice, "articles", "update", mine=True)
    assert said == await asked(alice, "articles", "update")


@sqlite
async def test_the_service_asked_for_goes_before_all(admin: Person, alice: Person) -> None:
    made = await add(admin, "todos", "all", "team = 'a'", service="notes")
    said = await asked(alice, "todos", "delete", service="notes")
    assert (said["where"], said["params"], said["policy_id"]) == (
        "team = :p1",
        {"p1": "a"},
        made["id"],
    )
    for service in ({}, {"service": "all"}, {"service": "other"}):
        said = await asked(alice, "todos", "delete", **service)
        assert said["where"] == "user_id = :p1"


@sqlite
async def test_without_any_policy_everything_is_denied(admin: Person) -> None:
    await admin.call("DELETE", f"/auth/policies/{(await policy_on(admin, 'all'))['id']}")
    said = await asked(admin, "todos", "read")  # R16
    assert (said["decision"], said["policy_id"]) == ("deny", None)


@pytest.mark.slow
async def test_another_is_asked_about_by_whom_the_policies_let(
    admin: Person, alice: Person, bob: Person
) -> None:
    said = await asked(admin, "todos", "read", user=alice.id)
    assert said == await asked(alice, "todos", "read")
    assert await asked(alice, "todos", "read", user=alice.id) == said
    assert await asked(alice, "todos", "read", user=None) == said
    for user in (bob.id, admin.id, "0" * 32, "nobody", "\u202e", "x" * 500):
        sent = {"table": "todos", "action": "read", "user": user}
        status, refused = await alice.call("POST", EVALUATE, json=sent)
        assert (status, refused["code"]) == (403, "forbidden")
        status, refused = await ask(admin.service, "POST", EVALUATE, json=sent)
        assert (status, refused["code"]) == (401, "missing_credential")
    for user in ("0" * 32, "alice", "\u202e", "x" * 500):
        sent = {"table": "todos", "action": "read", "user": user}
        status, refused = await admin.call("POST", EVALUATE, json=sent)
        assert (status, refused["code"]) == (404, "not_found")


@sqlite
async def test_who_may_read_some_policies_alone_asks_about_nobody_else(
    admin: Person, alice: Person, bob: Person
) -> None:
    await promoted(admin, "boss")
    await add(admin, "auth_policies", "read", "auth_user.is_admin or service = 'notes'")
    assert (await alice.call("GET", "/auth/policies"))[0] == 200
    sent = {"table": "todos", "action": "read", "user": bob.id}
    assert (await alice.call("POST", EVALUATE, json=sent))[0] == 403


@sqlite
@pytest.mark.slow
async def test_a_narrow_token_asks_about_its_owner_alone(admin: Person, alice: Person) -> None:
    sent = {"table": "todos", "action": "read"}
    for scopes, status in ((["profile"], 403), (["admin"], 403), (["policies"], 200)):
        token = (await admin.make_token(scopes=scopes))["token"]
        answer = await ask(admin.service, "POST", EVALUATE, bearer=token, json=sent)
        assert answer == (200, await asked(admin, "todos", "read"))
        about = {**sent, "user": alice.id}
        assert (await ask(admin.service, "POST", EVALUATE, bearer=token, json=about))[0] == status


@sqlite
@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"headers": {"Authorization": "Bearer 6879-x"}}, "invalid_token"),
        ({"headers": {"Authorization": "Bearer eyJ.x.y"}}, "invalid_token"),
        ({"headers": {"Auth-Token": "x"}}, "invalid_token"),
        ({"headers": {"Authorization": "Nothing"}}, "invalid_token"),
        ({"headers": basic("alice", "wrong")}, "wrong_password"),
        ({"params": {"jwt": "x"}}, "invalid_token"),
    ],
    ids=["token", "jwt", "header", "scheme", "password", "parameter"],
)
async def test_a_bad_credential_is_not_taken_for_none(
    alice: Person, more: dict[str, Any], code: str
) -> None:
    sent = {"table": "todos", "action": "read"}
    status, said = await ask(alice.service, "POST", EVALUATE, json=sent, **more)
    assert (status, said["code"]) == (401, code)


NO_QUESTIONS: list[tuple[dict[str, Any], str]] = [
    ({}, "table"),
    ({"table": "todos"}, "action"),
    ({"action": "read"}, "table"),
    ({"table": None, "action": "read"}, "table"),
    ({"table": "", "action": "read"}, "table"),
    ({"table": 1, "action": "read"}, "table"),
    ({"table": ["todos"], "action": "read"}, "table"),
    ({"table": "todos", "action": {"a": 1}}, "action"),
    ({"table": "todos", "action": "all"}, "create, read, update, delete, read_mine"),
    ({"table": "todos", "action": "READ"}, "create, read, update, delete, read_mine"),
    ({"table": "all", "action": "read"}, "all"),
    ({"table": "*", "action": "read"}, "table"),
    ({"table": "to dos", "action": "read"}, "table"),
    ({"table": "t" * 129, "action": "read"}, "table"),
    ({"table": "t" * 9000, "action": "read"}, "table"),
    ({"table": "\0", "action": "read"}, "table"),
    ({"table": "\ud800", "action": "read"}, "table"),
    ({"table": "todos", "action": "read", "service": 1}, "service"),
    ({"table": "todos", "action": "read", "service": ""}, "service"),
    ({"table": "todos", "action": "read", "service": "a b"}, "service"),
    ({"table": "todos", "action": "read", "user": 1}, "user"),
    ({"table": "todos", "action": "read", "user": ""}, "user"),
    ({"table": "todos", "action": "read", "user": ["x"]}, "user"),
    ({"table": "todos", "action": "read", "user": "\0"}, "user"),
    ({"table": "todos", "action": "read", "mine": "yes"}, "mine"),
    ({"table": "todos", "action": "read", "mine": 1}, "mine"),
]


@sqlite
@pytest.mark.slow
async def test_what_is_no_question_is_refused_and_the_field_is_named(admin: Person) -> None:
    for sent, named in NO_QUESTIONS:
        for status, said in (
            await admin.call("POST", EVALUATE, json=sent),
            await ask(admin.service, "POST", EVALUATE, json=sent),
        ):
            assert (status, said["code"]) == (400, "invalid_request"), sent
            assert named in said["detail"], sent


@sqlite
async def test_who_is_nobody_may_not_ask_without_end(start: Start) -> None:
    service = await start(POLICY_QUESTIONS="3")
    alice = await registered(service)
    sent = {"table": "todos", "action": "read"}
    for _ in range(3):
        assert (await ask(service, "POST", EVALUATE, json=sent))[0] == 200
    answer = await service.new_browser().post(EVALUATE, json=sent)
    assert answer.status == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert (await alice.call("POST", EVALUATE, json=sent))[0] == 200
    service.clock.advance(minutes=1)
    assert (await ask(service, "POST", EVALUATE, json=sent))[0] == 200


@sqlite
async def test_no_answer_is_kept_and_a_cookie_from_elsewhere_is_nobodys(alice: Person) -> None:
    sent = {"table": "todos", "action": "read"}
    answer = await alice.browser.post(EVALUATE, json=sent)
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await answer.json())["params"] == {"p1": alice.id}
    elsewhere = {"Origin": "https://evil.example"}
    answer = await alice.browser.post(EVALUATE, json=sent, headers=elsewhere)
    assert (await answer.json())["decision"] == "deny"


@sqlite
async def test_an_email_that_nobody_verified_opens_nothing(admin: Person, alice: Person) -> None:
    await add(admin, "todos", "read", "auth_user.email = 'alice@example.com'")
    assert (await asked(alice, "todos", "read"))["decision"] == "deny"
