"""A condition over a row that is at hand, by SQL's three-valued logic.

A value of the row that is of another type than the text it is compared with has that text converted
to its own (`auth_user.id` is text; the column may hold a number or a UUID). Where that cannot be,
and between columns of different types, the answer is unknown, which is no yes. Texts are ordered by
code point.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from dhq_auth.sdk.column_types import converted
from dhq_auth.sdk.tree import Column, Comparison, Junction, Membership, NullTest, Tree

OPERATIONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class MissingColumn(LookupError):
    """The row at hand lacks a column that the condition speaks of."""


def evaluate(tree: Tree, row: Mapping[str, Any]) -> bool | None:
    """Say whether *tree* holds for *row*; None is unknown, as SQL's NULL.

    Raises MissingColumn if a column is not in *row*: what is not there is not known to be NULL.
    """
    match tree:
        case Junction("and", parts):
            return _all(evaluate(part, row) for part in parts)
        case Junction(_, parts):
            return _any(evaluate(part, row) for part in parts)
        case Comparison(word, column, Column(other)):
            return _together(word, _get(row, column.name), _get(row, other))
        case Comparison(word, column, value):
            return compared(word, _get(row, column.name), value)
        case Membership(column, values, negated):
            found = _get(row, column.name)
            among = _any(compared("=", found, value) for value in values)
            return not among if negated and among is not None else among
        case NullTest(column, negated):
            return (_get(row, column.name) is None) != negated


def _get(row: Mapping[str, Any], name: str) -> Any:
    try:
        return row[name]
    except KeyError:
        raise MissingColumn(
            f"the row lacks the column {name}, of which the policy speaks"
        ) from None


def _all(answers: Iterable[bool | None]) -> bool | None:
    given = set(answers)
    return False if False in given else None if None in given else True


def _any(answers: Iterable[bool | None]) -> bool | None:
    given = set(answers)
    return True if True in given else None if None in given else False


def compared(word: str, left: Any, right: Any) -> bool | None:
    """Compare what a row has with a value of a policy; None is unknown."""
    if left is None or right is None:
        return None
    return _together(word, left, converted(right, type(left)) if isinstance(right, str) else right)


def _together(word: str, left: Any, right: Any) -> bool | None:
    """Compare two values of a row; None is unknown."""
    if left is None or right is None:
        return None
    pair = _alike(left, right)
    return None if pair is None else OPERATIONS[word](*pair)


def _alike(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Return both as one type, in which they can be compared; None if there is none."""
    if isinstance(right, bool) and type(left) is int and left in (0, 1):
        left = bool(left)  # as SQLite keeps it
    family = _family(left)
    if family is None or family is not _family(right):
        return None
    if family is _NUMBERS:
        return _numbers(left, right)
    return (_aware(left), _aware(right)) if family is datetime else (left, right)


def _family(value: Any) -> Any:
    """Return what *value* can be compared with: itself a type, or several."""
    return next((family for family in _FAMILIES if isinstance(value, family)), None)


def _numbers(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Compare as databases do: 0.1 is 0.1, whether it is kept in binary or in decimal."""
    if _is_nan(left) or _is_nan(right):
        return None
    kinds = {type(left), type(right)}
    return (float(left), float(right)) if kinds == {float, Decimal} else (left, right)


def _is_nan(number: Any) -> bool:
    return number.is_nan() if isinstance(number, Decimal) else number != number  # noqa: PLR0124 - by which NaN is known, and math.isnan fails for large integers


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_NUMBERS: Final = (int, float, Decimal)
_FAMILIES: Final[tuple[Any, ...]] = (bool, str, UUID, datetime, date, _NUMBERS)
"""What can be compared; a bool is an int, and a datetime a date, so those come first."""
