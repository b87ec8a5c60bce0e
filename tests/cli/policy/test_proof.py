"""`dhq-auth policy test`: cases run against the database or a file, with coverage."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.policy.conftest import Policies

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
RULES = {
    "policies": [
        {"table_name": "todos", "action": "all", "expression": "author_id = auth_user.id"},
        {"table_name": "todos", "action": "read", "expression": ""},
    ]
}
READ = {"user": "-", "table": "todos", "action": "read", "expect": "allow"}
WRITE = {"user": {"id": "u1"}, "table": "todos", "action": "update", "row": {"author_id": "u1"},
         "expect": "allow"}  # fmt: skip


def cases(*entries: dict[str, Any]) -> str:
    return json.dumps({"cases": entries})


@pytest.fixture
def rules(tmp_path: Path) -> str:
    """The path of a file with RULES."""
    file = tmp_path / "policies.json"
    file.write_text(json.dumps(RULES))
    return str(file)


def test_cases_are_put_to_the_policies_of_the_database(policy: Policies):
    own = {"user": "ada", "table": "todos", "action": "read", "expect": "filter"}
    guard = {"user": "root", "table": "auth_users", "action": "delete", "expect": "allow"}
    ended = policy.done("test", "-", stdin=cases(own, guard))
    assert ended.out.splitlines() == [
        "no case reaches all auth_policies all: auth_user.is_admin",
        "2 cases, 0 failed; 2 of 3 policies reached",
    ]
    assert policy("test", "-", "--require-coverage", stdin=cases(own, guard)).code == 1
    third = {**guard, "table": "auth_policies", "user": "ada@example.com", "expect": "deny"}
    policy.done("test", "-", "--require-coverage", stdin=cases(own, guard, third))


def test_a_file_of_policies_needs_no_database(cli: Cli, rules: str, tmp_path: Path):
    ended = cli("policy", "test", "-", "--policies", rules, stdin=cases(READ, WRITE))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "2 cases, 0 failed; 2 of 2 policies reached\n"
    assert not (tmp_path / "new").exists()


def test_what_differs_is_shown_with_the_explanation(cli: Cli, rules: str):
    failing = {**WRITE, "name": "nobody gives a row away", "new_row": {"author_id": "u2"}}
    ended = cli("policy", "test", "-", "--policies", rules, stdin=cases(READ, failing))
    assert ended.code == 1
    for line in (
        "case 2 (nobody gives a row away) failed",
        '  expect: expected "allow", found "deny"',
        "  → allowed where author_id = 'u1'",
        "2 cases, 1 failed; 2 of 2 policies reached",
    ):
        assert line in ended.out.splitlines()


def test_the_document_says_the_same(cli: Cli, rules: str):
    failing = {**READ, "expect": "deny"}
    ended = cli("policy", "test", "-", "--policies", rules, "--json", stdin=cases(READ, failing))
    assert ended.code == 1
    found = ended.json
    assert found["ok"] is False
    assert [(each["case"], each["passed"], each["answer"]) for each in found["cases"]] == [
        (1, True, "allow"),
        (2, False, "allow"),
    ]
    assert found["cases"][1]["differences"] == ['expect: expected "deny", found "allow"']
    assert [(each["action"], each["cases"]) for each in found["coverage"]] == [
        ("all", 0),
        ("read", 2),
    ]


def test_without_coverage_demanded_an_unreached_policy_is_no_failure(cli: Cli, rules: str):
    arguments = ("policy", "test", "-", "--policies", rules)
    ended = cli(*arguments, stdin=cases(READ))
    assert ended.code == 0
    assert "no case reaches all todos all: author_id = auth_user.id" in ended.out
    assert cli(*arguments, "--require-coverage", stdin=cases(READ)).code == 1
    assert cli(*arguments, "--require-coverage", stdin=cases(READ, WRITE)).code == 0


def test_a_user_whom_nobody_knows_is_refused(cli: Cli, rules: str):
    stranger = {**READ, "user": "bob", "name": "x"}
    ended = cli("policy", "test", "-", "--policies", rules, stdin=cases(READ, stranger))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "case 2 (x): user: 'bob' is not in [users]\n"


@SQLITE
def test_so_is_one_who_is_not_in_the_database(policy: Policies):
    ended = policy("test", "-", stdin=cases({**READ, "user": "bob"}))
    assert (ended.code, ended.out) == (1, "")
    assert "there is no user with the id, username or email bob" in ended.err


def test_a_fault_in_either_file_is_refused(cli: Cli, rules: str, tmp_path: Path):
    faulty = tmp_path / "faulty.json"
    faulty.write_text(json.dumps({"policies": [{**RULES["policies"][0], "expression": "= 1"}]}))
    ended = cli("policy", "test", "-", "--policies", str(faulty), stdin=cases(READ))
    assert (ended.code, ended.out) == (1, "")
    assert "policy 1 (todos all): expression" in ended.err
    ended = cli("policy", "test", "-", "--policies", rules, stdin=cases({**READ, "action": "x"}))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("case 1: action: expected one of")


def test_what_a_case_is_called_cannot_move_the_cursor(cli: Cli, rules: str):
    odd = {**READ, "name": "\x1b[2J\n", "expect": "deny", "row": {"\x1b": "\x1b"}}
    ended = cli("policy", "test", "-", "--policies", rules, stdin=cases(odd))
    assert ended.code == 1
    assert "\x1b" not in ended.out + ended.err
