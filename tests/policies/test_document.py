"""Files of policies: what can be used is read, all else is refused with the entry and the field."""

import json

import pytest

from dhq_auth.policies.document import (
    MAX_BYTES,
    FaultyDocument,
    drafts_in,
    parsed_document,
    toml_of,
)
from dhq_auth.policies.draft import Draft
from dhq_auth.policies.pointer import pointed
from tests.policies.rows import rules

TODOS = {"table_name": "todos", "action": "read", "expression": "author_id = auth_user.id"}


def drafts(text: str | bytes, name: str = "-") -> list[Draft]:
    return drafts_in(parsed_document(text.encode() if isinstance(text, str) else text, name))


def refusal(text: str | bytes, name: str = "-") -> str:
    with pytest.raises(FaultyDocument) as refused:
        drafts(text, name)
    return str(refused.value)


def of_json(*entries: object, **fields: object) -> str:
    return json.dumps({"policies": entries, **fields})


def test_toml_and_json_say_the_same():
    toml = """
    [[policies]]
    table_name = "todos"
    action = "read"
    expression = "author_id = auth_user.id"
    """
    assert drafts(toml) == drafts(of_json(TODOS)) == drafts("\ufeff" + of_json(TODOS), "a.json")
    assert drafts(toml, "policies.toml") == [Draft(**TODOS)]


def test_what_list_prints_is_taken_with_its_ids_and_times():
    item = {**TODOS, "id": "1", "created_at": "2026-11-22", "updated_at": "2026-11-22"}
    assert drafts(json.dumps({"items": [item], "next": None})) == [Draft(**TODOS)]


def test_one_page_of_several_is_no_whole_set():
    assert "one page of several" in refusal(json.dumps({"items": [TODOS], "next": "x"}))


def test_an_empty_set_is_said_and_not_guessed():
    assert drafts("policies = []") == []
    assert "policies: expected a list" in refusal("")
    assert "policies: expected a list" in refusal("{}")


def test_what_is_written_is_read_again():
    there = rules(
        ("todos", "all", "a = 'it''s \"so\" \\ \x7f'", "notes"),
        ("todos", "read", "", "all"),
        ("ünïcode", "all", "a = 'ü 漢 😀'", "notes"),
    )
    text = toml_of(there.values()).replace("ünïcode", "unicode").replace("\\u007f", "-")
    assert {draft.key for draft in drafts(text)} == {
        ("notes", "todos", "all"), ("all", "todos", "read"), ("notes", "unicode", "all"),
    }  # fmt: skip
    assert {draft.expression for draft in drafts(text)} == {
        "a = 'it''s \"so\" \\ -'", "", "a = 'ü 漢 😀'",
    }  # fmt: skip


def test_the_order_of_a_set_does_not_show():
    one, two = rules(("b", "all", "")), rules(("a", "all", ""))
    assert toml_of([*one.values(), *two.values()]) == toml_of([*two.values(), *one.values()])


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("todos", "policy 2: expected a table of fields"),
        ([], "policy 2: expected a table of fields"),
        ({}, "policy 2: action, expression, table_name: missing"),
        (
            {"table_name": "x", "action": "all"},
            "policy 2 (x all): expression: missing",
        ),
        ({**TODOS, "table_name": 7}, "policy 2 (read): table_name: expected a text"),
        ({**TODOS, "expression": None}, "policy 2 (todos read): expression: expected a text"),
        ({**TODOS, "service": ["x"]}, "service: expected a text"),
        ({**TODOS, "table": "x"}, "policy 2 (todos read): unknown: table; known: service, "),
        ({**TODOS, "table_name": "to dos"}, "policy 2 (to dos read): The table_name must be"),
        ({**TODOS, "table_name": ""}, "The table_name must be"),
        ({**TODOS, "service": "\ud800"}, "The service must be"),
        ({**TODOS, "table_name": "x" * 129}, "The table_name must be"),
        ({**TODOS, "action": "list"}, "policy 2 (todos list): The action must be one of"),
        ({**TODOS, "description": "x" * 1025}, "The description is"),
        ({**TODOS, "description": "\x1b[2J"}, "The description is"),
        ({**TODOS, "expression": "a = = 1"}, "expression: Character 5 of the expression"),
        ({**TODOS, "expression": "a" * 1025}, "at most 1,024 characters"),
        ({**TODOS, "expression": "\ud800"}, "expression: Character 1 of the expression"),
        ({**TODOS, "expression": "(" * 500}, "parentheses"),
        (
            {**TODOS, "table_name": "other"},
            "policy 2 (other read): for the same service, table and action as policy 1",
        ),
    ],
)
def test_an_entry_at_fault_is_named_with_its_field(entry: object, said: str):
    assert said in refusal(of_json({**TODOS, "table_name": "other"}, entry))


def test_a_fault_in_an_expression_is_pointed_at():
    said = refusal(of_json({**TODOS, "expression": "a = = 1"}))
    assert said.splitlines()[1:] == ["  a = = 1", "      ^"]


def test_all_faults_are_named_but_no_more_than_one_reads():
    faulty = [{**TODOS, "action": "x"}] * 50
    lines = refusal(of_json(*faulty)).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "and 30 more faults"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\xff", "-: byte 1 is not UTF-8"),
        ("{", "-: not JSON: "),
        ("policies", "-: not TOML: "),
        ("[" * 100_000, "-: "),
        ('{"policies": ' + "[" * 100_000, "-: nested too deeply"),
        ('{"policies": [], "policies": []}', "'policies' is there twice"),
        ('{"policies": [{"action": "read", "action": "all"}]}', "'action' is there twice"),
        ('{"policies": [NaN]}', "NaN is no number"),
        ('{"policies": [' + "9" * 5000 + "]}", "-: not JSON: "),
        ("policies = []\npolicies = []", "-: not TOML: "),
        ("policies = 1", "policies: expected a list"),
        ("policies = []\nrules = []", "unknown: rules; known: policies"),
        ('{"policies": [], "next": null}', "unknown: next"),
        (b" " * (MAX_BYTES + 1), "-: larger than 33,554,432 bytes"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "bytes",
)
def test_what_is_no_file_of_policies_is_refused_in_a_line(text: str | bytes, said: str):
    told = refusal(text)
    assert said in told
    assert "\n" not in told
    assert len(told) < 300


def test_the_ending_of_a_name_says_what_it_is():
    assert "not JSON" in refusal("policies = []", "policies.json")
    assert "not TOML" in refusal("{}", "policies.toml")


@pytest.mark.parametrize(
    ("expression", "position", "lines"),
    [
        ("a = = 1", 5, ["  a = = 1", "      ^"]),
        ("", 1, ["  ", "  ^"]),
        ("a =", 4, ["  a =", "     ^"]),
        ("a\n= %", 5, ["  a\\n= %", "       ^"]),
        ("x = '漢' %", 9, ["  x = '漢' %", "           ^"]),
        ("x" * 100 + "%", 101, [f"  … {'x' * 36}%", "  " + " " * 38 + "^"]),
        ("%" + "x" * 100, 1, [f"  %{'x' * 35} …", "  ^"]),
    ],
)
def test_the_caret_stands_under_the_fault(expression: str, position: int, lines: list[str]):
    assert pointed(expression, position) == lines
