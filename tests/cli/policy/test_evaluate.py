"""`dhq-auth policy evaluate`: the decision, and why."""

import pytest

from tests.cli.policy.conftest import Policies, WriteStraight

pytestmark = pytest.mark.slow

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
KEYS = {
    *("decision", "where", "params", "set", "check", "policy_id", "reason", "tree", "explanation"),
}


def test_it_says_what_is_decided_and_why(policy: Policies):
    policy.done(
        "add", "todos", "all", "author_id = auth_user.id or auth_user.is_admin",
        "own ones", "--service", "notes",
    )  # fmt: skip
    ada = policy.cli("user", "show", "ada", "--json").json["id"]
    found = policy.done("evaluate", "ada", "todos", "update", "--service", "notes", "--json").json
    assert found.keys() == KEYS
    assert (found["decision"], found["params"]) == ("filter", {"p1": ada})
    assert found["where"] == found["check"] == "author_id = :p1"
    why = found["explanation"]
    assert why["caller"] == {"id": ada, "is_admin": False}
    assert why["condition"] == f"author_id = '{ada}' or auth_user.is_admin = true"
    assert [look["found"] for look in why["looked_at"]] == [
        "none", "decides", "none", "none", "none", "none", "none", "passed_over",
    ]  # fmt: skip
    shown = policy.done("evaluate", "ada", "todos", "update", "--service", "notes").out
    for line in (
        "filter: ",
        "looked for update on todos in notes:",
        "auth_user.is_admin is false",
        f"→ allowed where {why['condition']}",
        f"params: p1 = '{ada}'",
    ):
        assert line in shown


@SQLITE
@pytest.mark.parametrize("name", ["ada", "ADA", "ada@example.com"])
def test_a_user_is_named_as_everywhere(policy: Policies, name: str):
    assert policy.done("evaluate", name, "todos", "read", "--json").json["decision"] == "filter"


@SQLITE
def test_who_is_not_logged_in_is_a_dash(policy: Policies):
    ended = policy.done("evaluate", "-", "todos", "read")
    assert "deny: " in ended.out
    assert "log in" in ended.out


@SQLITE
def test_where_there_is_no_policy_the_command_that_adds_one_is_shown(policy: Policies):
    policy.done("delete", policy.id_of("all"))
    out = policy.done("evaluate", "ada", "todos", "read", "--service", "notes").out
    assert "→ dhq-auth policy add todos read EXPRESSION DESCRIPTION --service notes" in out


@SQLITE
def test_a_read_of_the_own_rows_is_another_question(policy: Policies):
    policy.done("add", "todos", "read", "")
    assert policy.done("evaluate", "ada", "todos", "read", "--json").json["decision"] == "allow"
    mine = policy.done("evaluate", "ada", "todos", "read", "--mine", "--json").json
    assert mine["decision"] == "filter"
    same = policy.done("evaluate", "ada", "todos", "read_mine", "--json").json
    assert same == mine


@SQLITE
@pytest.mark.parametrize(
    ("action", "rows", "answer"),
    [
        ("read", ['{"user_id": "ADA"}'], "allow"),
        ("read", ['{"user_id": "x"}'], "deny"),
        ("read", ['{"user_id": null}'], "deny"),
        ("create", ["{}"], "allow"),
        ("update", ['{"user_id": "ADA"}', '{"title": "x"}'], "allow"),
        ("update", ['{"user_id": "ADA"}', '{"user_id": "x"}'], "deny"),
        ("update", ['{"user_id": "x"}', '{"user_id": "ADA"}'], "deny"),
    ],
)
def test_a_row_is_judged(policy: Policies, action: str, rows: list[str], answer: str):
    ada = policy.cli("user", "show", "ada", "--json").json["id"]
    options = [
        word
        for option, row in zip(("--row", "--new-row"), rows, strict=False)
        for word in (option, row.replace("ADA", ada))
    ]
    arguments = ("evaluate", "ada", "todos", action, *options)
    assert policy.done(*arguments, "--json").json["row"] == answer
    assert f"this row: {answer}" in policy.done(*arguments).out


@SQLITE
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nobody", "todos", "read"), 1, "there is no user"),
        (("ada", "to dos", "read"), 1, "The table must be"),
        (("ada", "todos", "read", "--service", "x y"), 1, "The service must be"),
        (("ada", "todos", "all"), 2, "ACTION is one of"),
        (("ada", "todos", "delete", "--mine"), 2, "--mine goes with read"),
        (("ada", "todos", "read", "--row", "[]"), 2, "--row is a JSON object"),
        (("ada", "todos", "read", "--row", "{"), 2, "--row is a JSON object"),
        (("ada", "todos", "read", "--row", "[" * 100_000), 2, "--row is a JSON object"),
        (("ada", "todos", "read", "--row", "{}"), 1, "the row lacks the column user_id"),
        (("ada", "todos", "read", "--row", "{}", "--new-row", "{}"), 2, "--new-row goes with"),
        (("ada", "todos", "update", "--new-row", "{}"), 2, "--new-row goes with"),
    ],
    ids=range(11),
)
def test_what_cannot_be_asked_is_refused(
    policy: Policies, arguments: tuple[str, ...], code: int, said: str
):
    ended = policy("evaluate", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in " ".join(ended.err.replace("│", " ").split())


@SQLITE
def test_a_faulty_policy_is_pointed_at(policy: Policies, write_straight: WriteStraight):
    write_straight("todos", "all", "user_id == 1", id="p7")
    lines = policy.done("evaluate", "root", "todos", "read").out.splitlines()
    at = lines.index("  user_id == 1")
    assert lines[at - 1].startswith("policy p7: character 10: expected")
    assert lines[at + 1].index("^") == len("  user_id =")
    assert any("decides" in line and "(faulty)" in line for line in lines)


@SQLITE
def test_that_a_user_is_disabled_is_said_beside_the_answer(policy: Policies):
    policy.cli("user", "disable", "ada")
    ended = policy.done("evaluate", "ada", "todos", "read", "--json")
    assert ended.json["decision"] == "filter"
    assert "is disabled" in ended.err
