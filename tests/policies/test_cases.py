"""Files of cases: what each asks and expects, and what is none."""

import json
import tomllib
from typing import Any

import pytest

from dhq_auth.policies.caller import AuthUser
from dhq_auth.policies.cases import Result, cases_in, coverage, run
from dhq_auth.policies.document import FaultyDocument, parsed_document
from tests.policies.rows import rules

THERE = rules(
    ("todos", "all", "author_id = auth_user.id and state != 'locked'", "notes"),
    ("todos", "delete", "auth_user.is_admin", "notes"),
    ("articles", "read", ""),
    ("broken", "all", "a = = 1"),
    ("closed", "all", "false"),
)
USERS = {"ada": {"id": "u1"}, "root": {"id": "u0", "is_admin": True}}
CASE = {"user": "ada", "service": "notes", "table": "todos", "action": "read", "expect": "filter"}
MINE, OTHERS = {"author_id": "u1", "state": "open"}, {"author_id": "u2", "state": "open"}


def result(**fields: object) -> Result:
    """Run one case: CASE with *fields*."""
    (case,) = cases_in({"users": USERS, "cases": [{**CASE, **fields}]})
    return run(case, THERE, {"bob": AuthUser(id="u3")})


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({}, "filter"),
        ({"user": "-"}, "deny"),
        ({"user": "-", "table": "articles"}, "allow"),
        ({"table": "broken"}, "deny"),
        ({"table": "nothing"}, "deny"),
        ({"action": "delete"}, "deny"),
        ({"action": "delete", "user": "root"}, "allow"),
        ({"action": "delete", "user": {"id": "x", "is_admin": True}}, "allow"),
        ({"row": MINE}, "allow"),
        ({"row": MINE, "user": "bob"}, "deny"),
        ({"row": OTHERS}, "deny"),
        ({"row": OTHERS, "user": "bob"}, "deny"),
        ({"row": {**MINE, "author_id": None}}, "deny"),
        ({"row": {**MINE, "state": {"null": True}}}, "deny"),
        ({"action": "update", "row": MINE}, "allow"),
        ({"action": "update", "row": MINE, "new_row": {"state": "done"}}, "allow"),
        ({"action": "update", "row": MINE, "new_row": {"author_id": "u2"}}, "deny"),
        ({"action": "update", "row": OTHERS, "new_row": {"author_id": "u1"}}, "deny"),
        ({"action": "create", "row": {"state": "open"}}, "allow"),
        ({"action": "create", "row": {"state": "open", "author_id": "u2"}}, "allow"),
        ({"action": "create", "row": {"state": "locked"}}, "deny"),
        ({"action": "create", "row": {"state": "open"}, "user": "-"}, "deny"),
        ({"action": "read", "table": "closed", "row": {}}, "deny"),
    ],
)
def test_a_case_passes_with_the_right_answer_and_fails_with_any_other(
    fields: dict[str, Any], answer: str
):
    assert result(**fields, expect=answer).differences == ()
    others = {"allow", "deny"} - {answer}
    for other in others:
        failed = result(**fields, expect=other)
        assert failed.differences == (f'expect: expected "{other}", found "{answer}"',)
        assert failed.answer == answer


@pytest.mark.parametrize(
    ("expected", "differs"),
    [
        ({"where": "author_id = :p1 AND state <> :p2"}, False),
        ({"where": "author_id = :p1"}, True),
        ({"where": ""}, True),
        ({"params": {"p1": "u1", "p2": "locked"}}, False),
        ({"params": {"p1": "u1"}}, True),
        ({"check": ""}, False),
        ({"set": {}}, False),
        ({"action": "create", "set": {"author_id": "u1"}, "where": ""}, False),
        ({"action": "create", "set": {"author_id": True}}, True),
        ({"action": "create", "check": "author_id = :p1 AND state <> :p2"}, False),
    ],
)
def test_a_case_may_say_what_the_filter_is(expected: dict[str, Any], differs: bool):  # noqa: FBT001 - an outcome
    assert bool(result(**expected).differences) is differs


def test_one_is_not_true():
    (case,) = cases_in(
        {"cases": [{"user": {"id": "1"}, "table": "t", "action": "create", "set": {"a": 1}}]}
    )
    assert run(case, rules(("t", "all", "a = true")), {}).differences
    assert not run(case, rules(("t", "all", "a = 1")), {}).differences


def test_a_row_without_a_column_of_the_condition_is_no_answer():
    missing = result(row={"author_id": "u1"}, expect="deny")
    assert missing.differences == ("the row lacks the column state, of which the policy speaks",)


def test_the_coverage_counts_what_each_policy_decided():
    results = [result(), result(user="-"), result(table="nothing"), result(table="articles")]
    found = {policy.id: count for policy, count in coverage(results, THERE.values())}
    assert found == {
        "notes/todos/all": 2,
        "notes/todos/delete": 0,
        "all/articles/read": 1,
        "all/broken/all": 0,
        "all/closed/all": 0,
    }


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"user": None}, "user: expected a name, a table of fields"),
        ({"user": ""}, "user: expected a name"),
        ({"user": 7}, "user: expected a name"),
        ({"user": {}}, "id: missing"),
        ({"user": {"id": ""}}, "id: missing"),
        ({"user": {"id": 7}}, "id: expected a text"),
        ({"user": {"id": "1", "is_admin": 1}}, "is_admin: expected true or false"),
        ({"user": {"id": "1", "is_authenticated": True}}, "unknown: is_authenticated"),
        ({"table": None}, "table: expected a text"),
        ({"table": "a b"}, "The table must be"),
        ({"service": "a b"}, "The service must be"),
        ({"service": None}, "service: expected a text"),
        ({"action": "all"}, "action: expected one of create, read"),
        ({"action": []}, "action: expected a text"),
        ({"row": 7}, "row: expected a table of columns"),
        ({"row": MINE, "expect": "filter"}, "expect: expected one of allow, deny"),
        ({"expect": "yes"}, "expect: expected one of allow, deny, filter"),
        ({"expect": True}, "expect: expected a text"),
        ({"new_row": {}, "action": "update"}, "new_row: only with"),
        ({"new_row": {}, "row": {}, "expect": "deny"}, "new_row: only with"),
        ({"set": []}, "set: expected a table"),
        ({"params": "x"}, "params: expected a table"),
        ({"where": None}, "where: expected a text"),
        ({"tabel": "x"}, "unknown: tabel"),
        ({"name": 7}, "name: expected a text"),
    ],
)  # fmt: skip
def test_a_case_at_fault_is_named_with_its_field(fields: dict[str, Any], said: str):
    with pytest.raises(FaultyDocument, match=r"^case 2: ") as refused:
        cases_in({"users": USERS, "cases": [CASE, {**CASE, **fields}]})
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "cases: expected a list"),
        ({"cases": {}}, "cases: expected a list"),
        ({"cases": [7]}, "case 1: expected a table of fields"),
        ({"cases": [{}]}, "case 1: table: missing"),
        ({"cases": [{"user": "-", "table": "t"}]}, "case 1: action: missing"),
        ({"cases": [{"user": "-", "table": "t", "action": "read"}]}, "case 1: expect: missing"),
        ({"cases": [], "policies": []}, "unknown: policies; known: users, cases"),
        ({"cases": [], "users": []}, "users: expected a table"),
        ({"cases": [], "users": {"ada": 7}}, "users.ada: expected a table"),
        ({"cases": [], "users": {"-": {"id": "1"}}}, "users.-: this is who is not logged in"),
    ],
)
def test_a_file_at_fault_is_refused(data: dict[str, Any], said: str):
    with pytest.raises(FaultyDocument) as refused:
        cases_in(data)
    assert said in str(refused.value)


def test_a_file_in_toml_says_null_in_a_table_of_its_own():
    text = """
    [users.ada]
    id = "u1"
    [[cases]]
    user = "ada"
    table = "t"
    action = "read"
    row = { a = { null = true }, at = 2026-11-22T00:00:00Z }
    expect = "allow"
    """
    (case,) = cases_in(parsed_document(text.encode(), "-"))
    assert case.row is not None
    assert case.row == {"a": None, "at": tomllib.loads(text)["cases"][0]["row"]["at"]}
    there = rules(("t", "all", "a is null and at > '2026-01-01'"))
    assert run(case, there, {}).differences == ()


@pytest.mark.parametrize(
    "value", [7, -1.5, True, None, [1], {"x": 1}, "x" * 100_000, "\ud800", 10**18], ids=range(9)
)
def test_no_value_of_a_row_breaks_a_case(value: object):
    data = {"cases": [{**CASE, "user": {"id": "u1"}, "expect": "deny",
                       "row": {"author_id": value, "state": value}}]}  # fmt: skip
    (case,) = cases_in(json.loads(json.dumps(data)))
    assert run(case, THERE, {}).answer == "deny"
