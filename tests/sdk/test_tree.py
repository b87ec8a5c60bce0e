"""Conditions as JSON: what is none is refused, whoever wrote it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhq_auth.sdk.tree import MAX_DEPTH, columns, equalities, from_json, to_json

CONDITIONS = [
    ["=", "a", "x"],
    ["!=", "a", True],
    ["<", "A_1", -5],
    ["<=", "a", 1.5],
    [">", "a", {"column": "b"}],
    [">=", "_", ""],
    ["in", "a", ["x", 1, False]],
    ["not in", "a", [1]],
    ["is null", "a"],
    ["is not null", "a"],
    ["and", ["=", "a", 1], ["or", ["is null", "b"], ["=", "c", 2]], ["in", "d", [1]]],
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition[0])
def test_a_condition_is_read_and_written_as_it_was(condition: Any):
    assert repr(to_json(from_json(condition))) == repr(condition)


@pytest.mark.parametrize(
    "data",
    [
        *(None, True, 1, "=", "and", "=ab", {}, [], [[]], ["="], ["and"], ["or"]),
        *(["and", ["is null", "a"]], ["or", ["is null", "a"]], ["AND", ["is null", "a"]] * 2),
        *(["=", "a"], ["=", "a", None], ["=", "a", []], ["=", "a", ["b"]], ["=", "a", {}]),
        *(["=", "a", {"column": None}], ["=", "a", {"column": "b c"}], ["=", "a", {"col": "b"}]),
        *(["=", 1, 1], ["=", None, 1], ["=", ["a"], 1], ["=", {"column": "a"}, 1]),
        *(["=", "", 1], ["=", "a b", 1], ["=", 'a"', 1], ["=", "a;", 1], ["=", "a\n", 1]),
        *(["=", "1a", 1], ["=", "a.b", 1], ["=", "é", 1], ["=", "a" * 64, 1], ["=", "a", 1, 2]),
        *(["==", "a", 1], ["like", "a", "b"], ["not", ["=", "a", 1]], ["<>", "a", 1]),
        *(["in", "a", []], ["in", "a", "xy"], ["in", "a", [None]], ["in", "a", [["b"]]]),
        *(["in", "a", {"b": 1}], ["in", "a"], ["is null"], ["is null", "a", "b"]),
        *(["is null", {"column": "a"}], ["and", ["=", "a", 1], None], [["and"], "a", "b"]),
        [{}, "a", 1],
        *(["=", "a", 2**63], ["=", "a", float("nan")], ["in", "a", [-float("inf")]]),
    ],
    ids=repr,
)
def test_what_is_no_condition_is_refused(data: object):
    with pytest.raises(ValueError, match=r"\w"):
        from_json(data)


def nested(levels: int) -> Any:
    condition: Any = ["is null", "a"]
    for _ in range(levels - 1):
        condition = ["and", condition, ["is null", "b"]]
    return condition


def test_there_is_an_end_to_how_deep_a_condition_goes():
    assert from_json(nested(MAX_DEPTH))
    for levels in (MAX_DEPTH + 1, 5000):
        with pytest.raises(ValueError, match=f"more than {MAX_DEPTH} levels"):
            from_json(nested(levels))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["=", "and", "a"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.just("column"), inner),
    max_leaves=10,
)


@given(JSON)
def test_any_json_is_a_condition_or_a_value_error(data: object):
    try:
        read = from_json(data)
    except ValueError:
        return
    assert repr(to_json(read)) == repr(data)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (["=", "a", "x"], {"a": "x"}),
        (["!=", "a", "x"], {}),
        (["in", "a", ["x"]], {}),
        (["=", "a", {"column": "b"}], {}),
        (["and", ["=", "a", 1], ["=", "b", True], ["<", "c", 2]], {"a": 1, "b": True}),
        (["and", ["=", "a", 1], ["=", "a", 2]], {"a": 1}),
        (["or", ["=", "a", 1], ["=", "b", 2]], {}),
        (["and", ["=", "a", 1], ["or", ["=", "b", 1], ["=", "b", 2]]], {"a": 1}),
    ],
    ids=repr,
)
def test_what_every_row_must_have(condition: Any, expected: object):
    assert equalities(from_json(condition)) == expected


def test_the_columns_of_a_condition():
    assert set(columns(from_json(CONDITIONS[-1]))) == {"a", "b", "c", "d"}
    assert set(columns(from_json(CONDITIONS[4]))) == {"a", "b"}
