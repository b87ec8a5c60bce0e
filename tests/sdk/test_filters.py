"""Reading the claim `filters`: a table, an action, and an answer; of nothing is made a yes."""

from typing import Any

import pytest

from dhq_auth.sdk.filters import AskServer, decide, entry_of
from dhq_auth.sdk.tree import from_json

MINE = entry_of(from_json(["=", "author_id", "u1"]))
CLAIM = {
    "v": 1,
    "user": {},
    "rules": {
        "todos": {"all": MINE, "read": True},
        "logs": {"all": False, "create": True},
        "*": {"all": False, "read_mine": MINE},
    },
}


@pytest.mark.parametrize(
    ("table", "action", "expected"),
    [
        ("todos", "read", "allow"),
        ("todos", "update", "filter"),
        ("todos", "read_mine", "filter"),
        ("logs", "create", "allow"),
        ("logs", "read", "deny"),
        ("logs", "read_mine", "deny"),
        ("others", "read", "deny"),
        ("others", "read_mine", "filter"),
        ("*", "read", "deny"),
        ("", "read", "deny"),
        ("all", "read", "deny"),
    ],
)
def test_what_a_claim_says(table: str, action: Any, expected: str):
    assert str(decide(CLAIM, table, action).effect) == expected


def test_an_entry_holds_the_condition_in_both_forms():
    assert MINE == {
        "where": "author_id = :p1",
        "params": {"p1": "u1"},
        "tree": ["=", "author_id", "u1"],
        "set": {"author_id": "u1"},
    }
    assert entry_of(from_json(["is null", "a"])).keys() == {"where", "params", "tree"}  # type: ignore[union-attr]
    assert (entry_of(True), entry_of(False)) == (True, False)  # noqa: FBT003


def test_no_claim_and_an_empty_one_deny():
    for claim in (None, {"v": 1, "rules": {}}, {"v": 1, "rules": {"todos": {}}}):
        assert str(decide(claim, "todos", "read").effect) == "deny"


def test_what_did_not_fit_is_to_be_asked():
    with pytest.raises(AskServer):
        decide({"v": 1, "ask": True}, "todos", "read")


def with_entry(entry: object) -> dict[str, Any]:
    return {"v": 1, "rules": {"todos": {"all": entry}}}


@pytest.mark.parametrize(
    "claim",
    [
        *({}, {"v": 2, "rules": {}}, {"v": "1", "rules": {}}, {"rules": {"todos": {"all": True}}}),
        *({"v": 1}, {"v": 1, "rules": None}, {"v": 1, "rules": []}, {"v": 1, "rules": "todos"}),
        *({"v": 1, "rules": {"todos": entry}} for entry in (None, True, [], "all")),
        *(with_entry(entry) for entry in (None, 1, "true", [], {}, {"where": "true"})),
        *(with_entry({"tree": tree}) for tree in (None, True, [], ["true"], ["=", "a", None])),
    ],
    ids=repr,
)
def test_a_claim_of_another_form_is_an_error_and_no_answer(claim: Any):
    with pytest.raises(ValueError, match=r"\w"):
        decide(claim, "todos", "read")
