"""What docs/sdk.md shows of rows does what is said there."""

import sqlite3

import pytest

from dhq_auth.sdk import Decision, Denied, Effect
from dhq_auth.sdk.tree import from_json
from tests.sdk.test_verifier_documentation import defined

TREE = from_json(["=", "user_id", "kim"])


@pytest.fixture
def db():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE notes (user_id text, title text)")
    connection.execute("INSERT INTO notes VALUES ('kim', 'a'), ('lee', 'b')")
    yield connection
    connection.close()


def test_plain_sql_finds_the_rows_of_the_decision(db):
    titles = defined("import sqlite3")["titles"]
    assert titles(db, Decision(Effect.FILTER, "read", TREE)) == ["a"]
    assert titles(db, Decision(Effect.ALLOW, "read")) == ["a", "b"]
    with pytest.raises(Denied):
        titles(db, Decision(Effect.DENY, "read"))


def test_statements_of_sqlalchemy_carry_the_condition():
    block = defined("def readable")
    assert "user_id = " in str(block["readable"](Decision(Effect.FILTER, "read", TREE)))
    assert "user_id = " in str(block["renamed"](Decision(Effect.FILTER, "update", TREE), "x"))


def test_a_row_that_is_written_is_the_callers():
    block = defined("def new_note")
    new, changed = block["new_note"], block["changed_note"]
    sent = {"title": "x", "user_id": "lee"}
    assert new(sent, Decision(Effect.FILTER, "create", TREE))["user_id"] == "kim"
    with pytest.raises(Denied):
        changed({"user_id": "kim"}, sent, Decision(Effect.FILTER, "update", TREE))
