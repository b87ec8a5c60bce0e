"""A decision says how it came about, and to whom it may."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhq_auth.policies.caller import AuthUser
from dhq_auth.policies.explain import Explanation, explain
from dhq_auth.policies.expression import parse
from dhq_auth.policies.nodes import (
    ATTRIBUTES,
    Among,
    Attribute,
    Compare,
    Group,
    IsNull,
    Literal,
    Node,
    grouped,
)
from dhq_auth.policies.outcome import Outcome, outcome
from dhq_auth.policies.resolve import Question
from dhq_auth.policies.unmet import unmet, written
from dhq_auth.sdk.evaluate import evaluate
from dhq_auth.sdk.tree import Column
from tests.policies.rows import ADA, ADMIN, NOBODY, rules

UNVERIFIED = AuthUser(id="2")


def why(
    expression: str, caller: AuthUser = ADA, action: str = "read", table: str = "todos"
) -> Explanation:
    """Explain a decision for which there is one policy."""
    return explain(
        rules(("todos", "all", expression, "notes")), Question(table, action, "notes"), caller
    )  # type: ignore[arg-type]


def test_it_says_where_was_looked_from_the_nearest_to_the_furthest():
    there = rules(
        ("all", "all", "auth_user.is_admin", "notes"),
        ("todos", "all", "author_id = auth_user.id", "notes"),
        ("todos", "read", "", "all"),
        ("todos", "update", "false", "notes"),
        ("todos", "read", "", "other"),
    )
    looks = explain(there, Question("todos", "read", "notes"), ADA).looked_at
    assert [(*look.key, str(look.found)) for look in looks] == [
        ("notes", "todos", "read", "none"),
        ("notes", "todos", "all", "decides"),
        ("notes", "all", "read", "none"),
        ("notes", "all", "all", "passed_over"),
        ("all", "todos", "read", "passed_over"),
        ("all", "todos", "all", "none"),
        ("all", "all", "read", "none"),
        ("all", "all", "all", "none"),
    ]


def test_a_question_for_all_services_is_looked_for_once_in_each_place():
    looks = explain({}, Question("todos", "read"), ADA).looked_at
    assert [look.key[0] for look in looks] == ["all"] * 4


@pytest.mark.parametrize(
    ("expression", "caller", "cause", "condition"),
    [
        ("", ADA, "holds", None),
        ("auth_user.is_admin", ADMIN, "holds", None),
        ("auth_user.is_admin", ADA, "caller", "auth_user.is_admin = true"),
        ("auth_user.is_admin", NOBODY, "caller", "auth_user.is_admin = true"),
        ("author_id = auth_user.id", ADA, "row", "author_id = '1'"),
        ("author_id = auth_user.id", NOBODY, "caller", "author_id = auth_user.id"),
        (
            "auth_user.is_admin or author_id = auth_user.id",
            ADA,
            "row",
            "auth_user.is_admin = true or author_id = '1'",
        ),
        (
            "auth_user.is_admin and (published or author_id = auth_user.id)",
            ADA,
            "caller",
            "auth_user.is_admin = true and (published = true or author_id = '1')",
        ),
        ("auth_user.id = 'u2' or author_id = null", ADA, "caller", "auth_user.id = 'u2'"),
        ("auth_user.id in ('u2', 'it''s')", ADA, "caller", "auth_user.id in ('u2', 'it''s')"),
        ("auth_user.is_authenticated and n > 1.50", ADA, "row", "n > 1.5"),
        ("false", ADA, "caller", None),
        ("author_id = null or n in (null)", ADA, "caller", None),
        ("n not in (1, null)", ADA, "caller", None),
        ("auth_user.is_admin and false", ADA, "caller", None),
        ("auth_user.username is not null and a is null", NOBODY, "caller",
         "auth_user.username is not null and a is null"),
    ],
)  # fmt: skip
def test_what_would_have_allowed_it_is_an_expression(
    expression: str, caller: AuthUser, cause: str, condition: str | None
):
    explanation = why(expression, caller)
    assert (explanation.cause, explanation.condition) == (cause, condition)
    if condition:
        parse(condition)


def test_where_no_policy_is_the_hint_is_to_add_one():
    explanation = explain({}, Question("todos", "read"), ADA)
    assert (explanation.cause, explanation.condition) == ("no_policy", None)
    assert "add one" in explanation.hint


def test_that_a_read_is_open_makes_no_read_mine_and_the_hint_says_so():
    there = rules(("todos", "read", "", "all"))
    explanation = explain(there, Question("todos", "read_mine"), ADA)
    assert explanation.cause == "no_policy"
    assert "read_mine" in explanation.hint


def test_a_faulty_expression_is_told_with_its_position():
    explanation = why("author_id == auth_user.id")
    assert explanation.cause == "faulty"
    assert explanation.decision.effect == "deny"
    whole = explanation.to_json(whole=True)
    decides = next(look for look in whole["looked_at"] if look["found"] == "decides")
    assert decides["fault"]["position"] == 12


@pytest.mark.parametrize(
    ("caller", "said"),
    [(NOBODY, "log in"), (UNVERIFIED, "verified"), (ADA, "something that the caller is not")],
)
def test_the_hint_is_for_the_caller(caller: AuthUser, said: str):
    assert said in why("auth_user.email = 'boss@example.com'", caller).hint


def test_who_may_not_read_policies_learns_nothing_of_what_they_say():
    secret = "auth_user.id = 'u-secret' or auth_user.email = 'boss@example.com' or hidden = 42"
    there = rules(
        ("todos", "all", secret, "notes"), ("all", "all", "owner = 'u-other'", "all"), ("todos", "all", "x = = 7", "all")
    )  # fmt: skip
    explanation = explain(there, Question("todos", "read", "notes"), ADA)
    limited = explanation.to_json(whole=False)
    text = json.dumps(limited)
    for word in ("u-secret", "boss@", "hidden", "42", "u-other", "owner", "x =", "ada"):
        assert word not in text
    assert limited["attributes"] == ["email", "id"]
    assert "u-secret" in json.dumps(explanation.to_json(whole=True))


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("expression", ["", "a = 1", "auth_user.is_admin", "= 1", "false"])
def test_an_explanation_is_json(expression: str, whole: bool):  # noqa: FBT001 - two kinds
    json.dumps(why(expression).to_json(whole=whole), allow_nan=False)


TEXTS = st.sampled_from([Literal("1"), Literal("it's"), Literal(None)])
TEXT_SIDES = TEXTS | st.sampled_from([Attribute("id"), Attribute("email"), Column("a")])
LEAVES = st.one_of(
    st.builds(Compare, st.sampled_from(["=", "!=", "<"]), TEXT_SIDES, TEXT_SIDES),
    st.builds(
        Among, TEXT_SIDES, st.lists(TEXT_SIDES, min_size=1, max_size=3).map(tuple), st.booleans()
    ),
    st.builds(IsNull, TEXT_SIDES, st.booleans()),
    st.builds(Compare, st.just("="), st.just(Attribute("is_admin")), st.just(Literal(True))),  # noqa: FBT003
    st.builds(
        Compare, st.just("<"), st.just(Column("n")),
        st.sampled_from([Literal(-3), Literal(0.5), Literal(0.00000012), Literal(2.0)]),
    ),
)  # fmt: skip
NODES = st.recursive(
    LEAVES,
    lambda parts: st.builds(
        grouped, st.sampled_from(["and", "or"]), st.lists(parts, min_size=2, max_size=3)
    ),
    max_leaves=6,
)


@given(NODES)
@pytest.mark.slow
def test_what_is_written_is_read_again_as_the_same(node: Node):
    assert parse(written(node)) == node


ROWS = [{"a": a, "n": n} for a in (None, "1", "u1", "it's") for n in (None, -4, 0.00000001, 1, 3)]


@given(NODES, st.sampled_from([ADA, ADMIN, NOBODY, UNVERIFIED]))
@pytest.mark.slow
def test_what_is_left_to_ask_for_decides_as_the_whole(node: Node, caller: AuthUser):
    """For the caller himself, the condition allows the rows that the policy does, and no other."""
    left = unmet(node, caller)
    came_to = left if isinstance(left, bool) else outcome(left, caller)
    for row in ROWS:
        assert holds(came_to, row) == holds(outcome(node, caller), row), row


def holds(came_to: Outcome, row: dict[str, Any]) -> bool:
    return came_to if isinstance(came_to, bool) else evaluate(came_to, row) is True


def test_every_attribute_can_be_asked_for():
    for name in ATTRIBUTES:
        assert why(f"auth_user.{name} is null").attributes == (name,)
    assert isinstance(parse("a = 1 and b = 2"), Group)
