"""`dhq-auth policy diff` and `apply`: all of a file or nothing, whoever else is at it."""

import asyncio
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dhq_auth.cli.policy.whole import applied
from dhq_auth.policies.draft import Draft
from dhq_auth.settings import from_environ
from tests.cli.conftest import Cli
from tests.cli.policy.conftest import Policies, WriteStraight
from tests.cli.policy.test_change import DEFAULTS
from tests.fixtures.service import Start
from tests.self_service.people import registered

pytestmark = pytest.mark.slow

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
GUARDS = [
    {"table_name": f"auth_{table}", "action": "all", "expression": "auth_user.is_admin"}
    for table in ("policies", "users")
]
TODOS = {"service": "notes", "table_name": "todos", "action": "all", "expression": "a = 1"}


def of(*entries: dict[str, str]) -> str:
    return json.dumps({"policies": [*GUARDS, *entries]})


def drafts(*entries: dict[str, str]) -> list[Draft]:
    return [Draft(**entry) for entry in (*GUARDS, *entries)]


def test_a_file_becomes_the_set_and_what_stays_keeps_its_id(policy: Policies):
    before = policy.id_of("auth_users")
    ended = policy.done("apply", "-", "--json", stdin=of(TODOS)).json
    assert [each["table_name"] for each in ended["added"]] == ["todos"]
    # Without a description: that of the defaults is gone.
    assert [each["to"]["table_name"] for each in ended["changed"]] == [
        "auth_policies",
        "auth_users",
    ]
    assert [each["table_name"] for each in ended["deleted"]] == ["all"]
    assert policy.there() == {
        ("all", "auth_policies", "all"): "auth_user.is_admin",
        ("all", "auth_users", "all"): "auth_user.is_admin",
        ("notes", "todos", "all"): "a = 1",
    }
    assert policy.id_of("auth_users") == before
    events = policy.cli("audit", "list", "--kind", "policy", "--json").json["items"]
    assert sorted(each["kind"] for each in events) == [
        "policy.added", "policy.changed", "policy.changed", "policy.deleted",
    ]  # fmt: skip
    again = policy.done("apply", "-", stdin=of(TODOS))
    assert again.out == "added: 0, changed: 0, deleted: 0\n"
    assert len(policy.cli("audit", "list", "--kind", "policy", "--json").json["items"]) == 4


@SQLITE
@pytest.mark.parametrize("form", ["--json", "--toml"])
def test_what_list_prints_is_the_same_set(policy: Policies, form: str, tmp_path: Path):
    policy.done("add", "todos", "all", "title = 'it''s \"so\"'", "über\nalles")
    file = tmp_path / f"policies.{form[2:]}"
    file.write_text(policy.done("list", form).out)
    ended = policy.done("diff", str(file))
    assert ended.out == ""
    assert policy.done("diff", str(file), "--json").json == {
        "same": True, "added": [], "changed": [], "deleted": [],
    }  # fmt: skip


@SQLITE
def test_a_difference_is_shown_and_ends_with_1_and_changes_nothing(policy: Policies):
    policy.done("add", "todos", "all", "a = 1", "\x41")
    changed = {"table_name": "todos", "action": "all", "expression": "a = 2", "description": "A"}
    ended = policy("diff", "-", stdin=of(changed))
    assert ended.code == 1
    assert '-expression = "a = 1"' in ended.out.splitlines()
    assert '+expression = "a = 2"' in ended.out.splitlines()
    ended = policy("diff", "-", "--json", stdin=of(changed))
    assert ended.code == 1
    found = ended.json
    assert found["same"] is False
    assert [each["table_name"] for each in found["deleted"]] == ["all"]
    assert policy.there() == {**DEFAULTS, ("all", "todos", "all"): "a = 1"}


@SQLITE
def test_on_a_terminal_a_difference_has_colours(policy: Policies):
    ended = policy("diff", "-", stdin=of(TODOS), FORCE_COLOR="1", TERM="xterm")
    assert '\x1b[32m+expression = "a = 1"\x1b[0m' in ended.out
    assert '\x1b[31m-table_name = "all"\x1b[0m' in ended.out


@SQLITE
def test_a_dry_run_checks_everything_and_changes_nothing(policy: Policies):
    ended = policy.done("apply", "-", "--dry-run", stdin=of(TODOS))
    assert ended.out == "would be added: 1, would be changed: 2, would be deleted: 1\n"
    assert policy.done("apply", "-", "--dry-run", "--json", stdin=of(TODOS)).json["dry_run"] is True
    assert policy("apply", "-", "--dry-run", stdin="policies = []").code == 1
    assert policy.there() == DEFAULTS
    assert policy.cli("audit", "list", "--kind", "policy", "--json").json["items"] == []


@pytest.mark.parametrize(
    "text",
    [
        "policies = []",
        json.dumps({"policies": [TODOS]}),
        json.dumps({"policies": [{**GUARDS[0], "expression": "created_by = auth_user.id"}]}),
        of({"table_name": "auth_policies", "action": "delete", "expression": "false"}),
    ],
    ids=["empty", "none", "conditional", "one action"],
)
def test_nobody_locks_all_administrators_out(policy: Policies, text: str):
    ended = policy("apply", "-", stdin=text)
    assert (ended.code, ended.out) == (1, "")
    assert "No administrator could" in ended.err
    assert policy.there() == DEFAULTS


@SQLITE
def test_every_fault_of_a_file_is_named_and_nothing_is_done(policy: Policies):
    ended = policy(
        "apply",
        "-",
        stdin=of(
            TODOS,
            TODOS,
            {**TODOS, "action": "read", "expression": "a = = 1"},
            {**TODOS, "tabel": "x"},
            {**TODOS, "table_name": "\x1b[2J"},
        ),
    )
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines() == [
        "policy 4 (notes todos all): for the same service, table and action as policy 3",
        (
            "policy 5 (notes todos read): expression: Character 5 of the expression: expected a column, "
            "auth_user.…, a text in single quotes, a number, true, false or null, found '='."
        ),
        "  a = = 1",
        "      ^",
        (
            "policy 6 (notes todos all): unknown: tabel; known: service, table_name, action, expression, "
            "description"
        ),
        (
            "policy 7 (notes \\x1b[2J all): The table_name must be letters, digits, _, - and . (128 at "
            "most), or all."
        ),
    ]
    assert policy.there() == DEFAULTS


@SQLITE
@pytest.mark.parametrize("command", ["diff", "apply", "test"])
@pytest.mark.parametrize("text", [b"", b"\xff", b"{", b"[" * 100_000, b"\x00", b"null", b"{}"])
def test_no_file_breaks_a_command(policy: Policies, command: str, text: bytes):
    ended = policy(command, "-", stdin=text)
    assert (ended.code, ended.out) == (1, "")
    assert len(ended.err.splitlines()) == 1
    assert policy.there() == DEFAULTS


@SQLITE
def test_a_file_that_is_not_there_is_wrong_usage(policy: Policies):
    assert policy("apply", "/nowhere/policies.toml").code == 2


@SQLITE
def test_what_was_written_past_us_is_replaced(policy: Policies, write_straight: WriteStraight):
    write_straight("todos", "all", "a = = 1", service="notes", id="by hand")
    policy.done("apply", "-", stdin=of(TODOS))
    assert policy.id_of("todos", service="notes") == "by hand"
    assert policy.there()["notes", "todos", "all"] == "a = 1"


@SQLITE
def test_a_faulty_policy_stays_in_no_file(policy: Policies, write_straight: WriteStraight):
    write_straight("todos", "all", "a = = 1")
    listed = policy.done("list", "--toml").out
    assert tomllib.loads(listed)["policies"][-1]["expression"] == "a = = 1"
    assert policy("apply", "-", stdin=listed).code == 1


async def test_of_several_sets_at_once_one_is_there_in_the_end(policy: Policies, database_url: str):
    settings = from_environ({"DATABASE_URL": database_url})
    sets = [
        drafts(*({**TODOS, "table_name": f"t{n}"} for n in range(first, first + 3)))
        for first in range(4)
    ]
    await asyncio.gather(*(applied(settings, wanted) for wanted in sets))
    there = set((await asyncio.to_thread(policy.there)).keys())
    assert there in [{draft.key for draft in wanted} for wanted in sets]


async def test_two_who_each_take_half_of_the_rights_are_not_both_let(
    policy: Policies, database_url: str
):
    """Each set alone leaves an administrator: `root` by one, `eve` by the other."""
    ended = await asyncio.to_thread(
        policy.cli, "user", "add", "eve", "--email", "eve@example.com", "--no-password", "--admin"
    )
    assert ended.code == 0
    settings = from_environ({"DATABASE_URL": database_url})
    whose = "auth_user.username = '{}'"
    demoted = asyncio.to_thread(policy.cli, "user", "set-admin", "eve", "off")
    wanted = drafts()
    wanted[0] = Draft(table_name="auth_policies", action="all", expression=whose.format("eve"))
    outcomes: list[Any] = await asyncio.gather(
        applied(settings, wanted), demoted, return_exceptions=True
    )
    refused = [isinstance(outcomes[0], Exception), outcomes[1].code != 0]
    assert sorted(refused) == [False, True]


async def test_a_change_over_http_comes_before_all_of_a_file_or_after_it(
    start: Start, on_database: Cli, database_url: str
):
    service = await start()
    alice = await registered(service, "alice")
    assert (await on_database.aside("user", "set-admin", "alice", "on")).code == 0
    settings = from_environ({"DATABASE_URL": database_url})
    before = drafts(TODOS, {**TODOS, "action": "read"})
    await applied(settings, before)
    _, listed = await alice.call("GET", "/auth/policies", params={"service": "notes"})
    ids = [each["id"] for each in listed["items"]]
    added = {"table_name": "others", "action": "all", "expression": "b = 2"}
    answers: list[Any] = await asyncio.gather(
        alice.call("POST", "/auth/policies", json=added),
        applied(settings, drafts()),
        *(
            alice.call("PUT", f"/auth/policies/{each}", json={"expression": "c = 3"})
            for each in ids
        ),
    )
    assert answers[0][0] == 201
    assert {status for status, _ in answers[2:]} <= {200, 404}
    items = (await on_database.aside("policy", "list", "--json")).json["items"]
    assert {each["table_name"] for each in items} - {"others"} == {"auth_policies", "auth_users"}
