"""Conditions as SQL: every value is a parameter, every name is nothing but a name."""

from typing import Any

import pytest

from dhq_auth.sdk.sql import Sql, render
from dhq_auth.sdk.tree import from_json


@pytest.mark.parametrize(
    ("condition", "text", "params"),
    [
        (["=", "a", "x"], "a = :p1", {"p1": "x"}),
        (["!=", "a", 1], "a <> :p1", {"p1": 1}),
        (["<", "a", {"column": "b"}], "a < b", {}),
        (["in", "a", [1, 2]], "a IN (:p1, :p2)", {"p1": 1, "p2": 2}),
        (["not in", "a", [1]], "a NOT IN (:p1)", {"p1": 1}),
        (["is null", "a"], "a IS NULL", {}),
        (["is not null", "a"], "a IS NOT NULL", {}),
        (["and", ["=", "a", "x"], ["=", "b", "x"]], "a = :p1 AND b = :p1", {"p1": "x"}),
        (["or", ["=", "a", 1], ["=", "b", 2]], "(a = :p1 OR b = :p2)", {"p1": 1, "p2": 2}),
        (
            ["or", ["and", ["=", "a", 1], ["or", ["is null", "b"], ["is null", "c"]]], ["=", "d", 1]],
            "((a = :p1 AND (b IS NULL OR c IS NULL)) OR d = :p1)",
            {"p1": 1},
        ),
        (["=", "user", 1], '"user" = :p1', {"p1": 1}),
        (["=", "Author", {"column": "authorId"}], '"Author" = "authorId"', {}),
        (["=", "a", "' OR 1=1 --"], "a = :p1", {"p1": "' OR 1=1 --"}),
        (["=", "a", ":p2"], "a = :p1", {"p1": ":p2"}),
    ],
    ids=repr,
)  # fmt: skip
def test_a_condition_is_written(condition: Any, text: str, params: object):
    assert render(from_json(condition)) == Sql(text, params)  # type: ignore[arg-type]


def test_values_that_python_takes_for_equal_are_parameters_of_their_own():
    sql = render(from_json(["and", ["=", "a", 1], ["=", "b", True], ["=", "c", 1.0]]))
    assert repr(sql.params) == "{'p1': 1, 'p2': True, 'p3': 1.0}"


def test_it_can_be_joined_to_another_condition():
    alone = render(from_json(["or", ["=", "a", 1], ["=", "b", 2]])).text
    assert f"tenant = :t AND {alone}" == "tenant = :t AND (a = :p1 OR b = :p2)"
