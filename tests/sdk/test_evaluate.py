"""A condition over a row: SQL's three answers, and never an exception for what the row holds."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from dhq_auth.sdk.evaluate import MissingColumn, compared, evaluate
from dhq_auth.sdk.tree import from_json

UUID_TEXT = "01234567-89ab-cdef-0123-456789abcdef"
TRUE, FALSE, UNKNOWN = ["=", "t", 1], ["=", "t", 2], ["=", "n", 1]
ROW = {"t": 1, "n": None, "s": "b", "f": False}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (TRUE, True),
        (FALSE, False),
        (UNKNOWN, None),
        (["and", TRUE, TRUE], True),
        (["and", TRUE, UNKNOWN], None),
        (["and", FALSE, UNKNOWN], False),
        (["or", FALSE, UNKNOWN], None),
        (["or", TRUE, UNKNOWN], True),
        (["or", FALSE, FALSE], False),
        (["!=", "n", 1], None),
        (["=", "n", {"column": "n"}], None),
        (["is null", "n"], True),
        (["is null", "t"], False),
        (["is not null", "n"], False),
        (["in", "t", [2, 1]], True),
        (["in", "t", [2, 3]], False),
        (["in", "n", [1]], None),
        (["not in", "t", [2, 1]], False),
        (["not in", "t", [2]], True),
        (["not in", "n", [1]], None),
        (["<", "s", "ba"], True),
        (["<", "s", "B"], False),
        (["=", "f", False], True),
        (["!=", "f", True], True),
        (["=", "s", "b "], False),
        (["=", "s", "B"], False),
    ],
    ids=repr,
)
def test_a_condition_is_true_false_or_unknown(condition: Any, expected: bool | None):  # noqa: FBT001
    assert evaluate(from_json(condition), ROW) is expected


def test_a_column_that_the_row_lacks_is_not_taken_for_null():
    for condition in (["is null", "x"], ["=", "t", {"column": "x"}], ["in", "x", [1]]):
        with pytest.raises(MissingColumn, match="the row lacks the column x"):
            evaluate(from_json(condition), ROW)


@pytest.mark.parametrize(
    ("held", "value", "expected"),
    [
        (7, "7", True),
        (7, "07", True),
        (7, "7.0", None),
        (7, "seven", None),
        (7, " 7", None),
        (7, "\u0667", None),
        (7, "7" * 30, None),
        (7, 7.0, True),
        (7.5, "7.5", True),
        (Decimal("0.10"), 0.1, True),
        (Decimal("0.10"), "0.1", True),
        (UUID(UUID_TEXT), UUID_TEXT, True),
        (UUID(UUID_TEXT), UUID_TEXT.upper(), True),
        (UUID(UUID_TEXT), "ada", None),
        (date(2026, 1, 2), "2026-01-02", True),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T01:00:00+01:00", True),
        (datetime(2026, 1, 2), "2026-01-02T00:00:00+00:00", True),  # noqa: DTZ001 - as SQLite gives it
        (date(2026, 1, 2), "soon", None),
        (True, True, True),
        (1, True, True),
        (0, True, False),
        (2, True, None),
        (True, "true", None),
        (True, 1, None),
        ("1", 1, None),
        ("true", True, None),
        (b"1", "1", None),
        ([1], 1, None),
        ({}, "x", None),
        (object(), "x", None),
        (float("nan"), 1, None),
        (Decimal("NaN"), 1, None),
        (Decimal("sNaN"), 1, None),
        (float("inf"), 1, False),
        (10**400, 1, False),
        (10**400, 1.5, False),
        (Decimal("1e400"), 1.5, False),
    ],
    ids=lambda value: "object" if type(value) is object else repr(value)[:24],
)
def test_a_value_of_another_type_is_converted_or_unknown(
    held: object, value: object, expected: bool | None  # noqa: FBT001
):  # fmt: skip
    assert compared("=", held, value) is expected


@pytest.mark.parametrize("word", ["<", "<=", ">", ">="])
@pytest.mark.parametrize(("smaller", "greater"), [(1, 2), ("A", "a"), ("z", "é"), ("a", "aa")])
def test_the_order_is_that_of_numbers_and_of_code_points(word: str, smaller: Any, greater: Any):
    assert compared(word, smaller, greater) is (word in "<=")
    assert compared(word, greater, smaller) is (word in (">", ">="))
    assert compared(word, smaller, smaller) is (word in ("<=", ">="))
