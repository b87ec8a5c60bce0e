"""`dhq-auth policy list`, `add`, `update`, `delete`: on the database, with every rule that holds."""

import json

import pytest

from tests.cli.conftest import Cli
from tests.cli.policy.conftest import Policies, WriteStraight
from tests.fixtures.service import Start

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DEFAULTS = {
    ("all", "all", "all"): "user_id = auth_user.id",
    ("all", "auth_policies", "all"): "auth_user.is_admin",
    ("all", "auth_users", "all"): "auth_user.is_admin",
}


@pytest.mark.slow
def test_a_policy_is_added_changed_and_deleted_and_the_audit_log_knows(policy: Policies):
    added = policy.done(
        "add",
        "todos",
        "all",
        "author_id = auth_user.id",
        "own ones",
        "--service",
        "notes",
        "--json",
    ).json
    assert policy.there() == {**DEFAULTS, ("notes", "todos", "all"): "author_id = auth_user.id"}
    changed = policy.done(
        *("update", added["id"], "--expression", "", "--table", "tasks", "--action", "read"),
        *("--service", "all", "--description", "open", "--json"),
    ).json
    assert policy.there() == {**DEFAULTS, ("all", "tasks", "read"): ""}
    kept = {"id": added["id"], "created_at": added["created_at"]}
    assert changed | kept == changed
    assert policy.done("delete", added["id"], "--json").json == {"deleted": added["id"]}
    assert policy.there() == DEFAULTS
    events = policy.cli("audit", "list", "--kind", "policy", "--json").json["items"]
    told = [(each["kind"], each["detail"]["policy_id"]) for each in reversed(events)]
    assert told == [(f"policy.{what}", added["id"]) for what in ("added", "changed", "deleted")]
    assert events[1]["detail"]["before"]["expression"] == "author_id = auth_user.id"


async def test_a_service_that_runs_obeys_at_once(start: Start, on_database: Cli):
    service = await start()
    ask = {"table": "articles", "action": "read"}

    async def decision() -> object:
        answer = await service.browser.post("/auth/policies/evaluate", json=ask)
        assert answer.status == 200, await answer.text()
        return (await answer.json())["decision"]

    assert await decision() == "deny"
    await on_database.aside("policy", "add", "articles", "read", "")
    assert await decision() == "allow"


@SQLITE
@pytest.mark.slow
def test_a_list_is_of_what_was_asked_for(policy: Policies):
    policy.done("add", "todos", "read", "", "--service", "notes")
    policy.done("add", "todos", "all", "false")
    for options, count in [
        ((), 5),
        (("--table", "todos"), 2),
        (("--table", "todos", "--action", "all"), 1),
        (("--service", "notes"), 1),
        (("--service", "nobody"), 0),
    ]:
        assert len(policy.done("list", *options, "--json").json["items"]) == count
    assert policy.done("list", "--table", "todos", "--action", "read").out.count("todos") == 1
    assert policy("list", "--toml", "--json").code == 2


@SQLITE
def test_a_fault_in_an_expression_is_pointed_at(policy: Policies):
    ended = policy("add", "todos", "all", "author_id = auth_user.org")
    assert (ended.code, ended.out) == (1, "")
    said, expression, caret = ended.err.splitlines()
    assert "Character 23" in said
    assert expression[caret.index("^") :] == "org"
    ended = policy("update", policy.id_of("all"), "--expression", "a\x1b[2J = 1")
    assert ended.code == 1
    assert "\x1b" not in ended.err
    assert policy.there() == DEFAULTS


@SQLITE
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("add", "todos", "list", "a = 1"), 1, "The action must be one of"),
        (("add", "to dos", "all", "a = 1"), 1, "The table_name must be"),
        (("add", "todos", "all", "a = 1", "--service", "x y"), 1, "The service must be"),
        (("add", "todos", "all", "a = 1", "x" * 1025), 1, "The description is"),
        (("add", "todos", "all", "a = 1; drop table users"), 1, "one expression"),
        (("add", "todos", "all", "\udcff"), 1, "Character 1"),
        (("add", "all", "all", "a = 1"), 1, "already"),
        (("add", "todos"), 2, "Missing argument"),
        (("update", "x", "--expression", ""), 1, "there is no policy 'x'"),
        (("update", "\udcff", "--expression", ""), 1, "there is no policy"),
        (("update", "x"), 2, "--expression"),
        (("delete", "x"), 1, "there is no policy 'x'"),
        (("delete", "x" * 100_000), 1, "there is no policy"),
    ],
    ids=range(13),
)
def test_what_cannot_be_done_is_refused(
    policy: Policies, arguments: tuple[str, ...], code: int, said: str
):
    ended = policy(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert policy.there() == DEFAULTS


def test_a_policy_does_not_take_the_place_of_another(policy: Policies):
    policy.done("add", "todos", "all", "false")
    ended = policy("update", policy.id_of("todos"), "--table", "all")
    assert (ended.code, ended.out) == (1, "")
    assert "already" in ended.err
    assert policy.there() == {**DEFAULTS, ("all", "todos", "all"): "false"}


@pytest.mark.parametrize(
    "change",
    [
        ("delete",),
        ("update", "--expression", "false"),
        ("update", "--expression", "a = 1"),
        ("update", "--table", "other"),
        ("update", "--action", "read"),
        ("update", "--service", "notes"),
    ],
)
def test_nobody_locks_all_administrators_out(policy: Policies, change: tuple[str, ...]):
    command, *options = change
    ended = policy(command, policy.id_of("auth_policies"), *options)
    assert (ended.code, ended.out) == (1, "")
    assert "No administrator could" in ended.err
    assert policy.there() == DEFAULTS
    assert policy.cli("audit", "list", "--kind", "policy", "--json").json["items"] == []


@SQLITE
@pytest.mark.slow
def test_what_was_written_past_us_is_marked_and_can_be_corrected(
    policy: Policies, write_straight: WriteStraight
):
    write_straight("todos", "all", "a = = 1", id="by hand")
    assert "faulty" in policy.done("list", "--table", "todos").out
    assert "faulty" not in policy.done("list", "--table", "all").out
    ended = policy("update", "by hand", "--description", "x")
    assert ended.code == 1
    assert "Character 5" in ended.err
    policy.done("update", "by hand", "--expression", "a = 1")
    assert "faulty" not in policy.done("list").out
    policy.done("delete", "by hand")


@SQLITE
def test_the_expression_of_a_list_cannot_move_the_cursor(
    policy: Policies, write_straight: WriteStraight
):
    write_straight("todos", "all", "\x1b[2J\na = 1")
    assert "\x1b" not in policy.done("list").out
    items = policy.done("list", "--table", "todos", "--json").json["items"]
    assert json.dumps(items[0]["expression"]) == '"\\u001b[2J\\na = 1"'


@SQLITE
def test_before_there_is_an_administrator_the_first_is_not_locked_out(on_database: Cli):
    """Else whoever does the setup could correct nothing."""
    for action in ("read", "update"):
        ended = on_database("policy", "add", "auth_policies", action, "auth_user.username = 'boss'")
        assert ended.code == 1
        assert "No administrator could" in ended.err
    ended = on_database("policy", "add", "auth_policies", "read", "auth_user.is_authenticated")
    assert ended.code == 0
