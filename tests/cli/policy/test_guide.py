"""What docs/policies.md shows is run here, block by block."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from dhq_auth.policies import cases, expression
from dhq_auth.policies.document import drafts_in
from dhq_auth.policies.draft import FIELDS, RULE_ACTIONS
from dhq_auth.policies.expression import MAX_DEPTH, parse
from dhq_auth.policies.nodes import ATTRIBUTES
from dhq_auth.policies.scanner import MAX_LENGTH, ExpressionError
from tests.cli.policy.conftest import Policies

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TEXT = (Path(__file__).parents[3] / "docs" / "policies.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
DEFAULTS, CASES = [block for language, block in BLOCKS if language == "toml"]
COMMANDS = [line for language, block in BLOCKS if language == "sh" for line in block.splitlines()]


def rows_after(heading: str) -> list[list[str]]:
    """Return the cells of the table that follows *heading*."""
    table = TEXT.split(heading, 1)[1].split("|---|", 1)[1].split("\n\n", 1)[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_block_is_of_a_language_that_is_run_here():
    assert {language for language, _ in BLOCKS} == {"toml", "ebnf", "sh", "text"}
    assert all(line.startswith("dhq-auth policy ") for line in COMMANDS)


def test_the_grammar_is_the_one_of_the_parser():
    (grammar,) = [block for language, block in BLOCKS if language == "ebnf"]
    assert expression.__doc__ is not None
    assert " ".join(grammar.split()) in " ".join(expression.__doc__.split())
    assert f"{MAX_LENGTH:,} characters and {MAX_DEPTH} parentheses" in TEXT


def test_the_fields_actions_and_attributes_are_all_told():
    fields = rows_after("## A policy")
    assert [codes(name)[0] for name, _ in fields] == list(FIELDS)
    assert set(codes(fields[2][1])) - {"?mine"} == set(RULE_ACTIONS)
    told = [codes(name)[0] for name, _ in rows_after("Of the caller there is:")]
    assert told == [f"auth_user.{name}" for name in ATTRIBUTES]


def test_the_fields_of_a_case_are_all_told():
    table = rows_after('expect = "filter"\n```')
    assert sorted(name for cell, _ in table for name in codes(cell)) == sorted(cases._FIELDS)


@pytest.mark.parametrize("shown", [codes(row[0])[0] for row in rows_after("Some that hold:")])
def test_what_holds_is_read(shown: str):
    parse(shown)


@pytest.mark.parametrize(
    "shown", [" ".join(codes(row[0])) for row in rows_after("And some that are refused:")]
)
def test_what_is_refused_is_refused(shown: str):
    with pytest.raises(ExpressionError):
        parse(shown)


@SQLITE
def test_the_defaults_are_those_of_a_database(policy: Policies):
    there = {draft.key: draft.expression for draft in drafts_in(tomllib.loads(DEFAULTS))}
    assert policy.there() == there
    assert policy.done("diff", "-", stdin=DEFAULTS).out == ""


@SQLITE
@pytest.mark.slow
def test_the_commands_do_what_is_said(
    policy: Policies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("cases.toml").write_text(CASES, encoding="utf-8")
    said = {}
    for line in COMMANDS:
        command, _, file = line.partition(" > ")
        ended = policy.done(*shlex.split(command)[2:])
        said[line] = ended.out
        if file:
            Path(file).write_text(ended.out, encoding="utf-8")
    assert said["dhq-auth policy diff policies.toml"] == ""
    assert said[COMMANDS[-1]] == "9 cases, 0 failed; 6 of 6 policies reached\n"
    ada = policy.cli("user", "show", "ada", "--json").json["id"]
    (shown,) = [block for language, block in BLOCKS if language == "text"]
    first = next(line for line in COMMANDS if "evaluate" in line)
    assert said[first].replace(ada, "ID") == shown
    assert "this row: deny" in said[next(line for line in COMMANDS if "--row" in line)]
