"""A condition on a row: what is left of a policy once the caller is known.

There is no NOT, which was pushed to the leaves, and no NULL, which never turns into a yes. As JSON
a condition is a list:

    ["and", condition, …]  ["or", condition, …]
    ["=", "column", value]  with = != < <= > >=, the value a text, a number or true or false
    ["=", "column", {"column": "other"}]
    ["in", "column", [value, …]]  ["not in", "column", [value, …]]
    ["is null", "column"]  ["is not null", "column"]
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from dhq_auth.sdk.column_types import LARGEST, SMALLEST

Value = str | int | float | bool

OPERATORS: Final = ("=", "!=", "<=", ">=", "<", ">")
MAX_DEPTH: Final = 100
"""Levels of a tree that is read; one that was made of an expression has fewer."""
COLUMN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
"""What a column may be called: 63 characters are all that PostgreSQL keeps of a name."""


@dataclass(frozen=True, slots=True)
class Column:
    """The value that the row has in a column."""

    name: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column compared with a value or with another column."""

    operator: str
    column: Column
    operand: Value | Column


@dataclass(frozen=True, slots=True)
class Membership:
    """A column that has one of some values; with *negated*, none of them."""

    column: Column
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class NullTest:
    """A column that has no value; with *negated*, any."""

    column: Column
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions that hold together: all of them (`and`), or at least one (`or`)."""

    word: str
    parts: "tuple[Tree, ...]"


Tree = Comparison | Membership | NullTest | Junction


def to_json(tree: Tree) -> list[Any]:
    """Return *tree* as JSON."""
    match tree:
        case Junction(word, parts):
            return [word, *map(to_json, parts)]
        case Comparison(operator, column, Column(other)):
            return [operator, column.name, {"column": other}]
        case Comparison(operator, column, value):
            return [operator, column.name, value]
        case Membership(column, values, negated):
            return ["not in" if negated else "in", column.name, list(values)]
        case NullTest(column, negated):
            return ["is not null" if negated else "is null", column.name]


def from_json(data: object, depth: int = MAX_DEPTH) -> Tree:
    """Return the condition that *data* is; raises ValueError if it is none."""
    if depth == 0:
        raise ValueError(f"the condition has more than {MAX_DEPTH} levels")
    match data:
        case ["and" | "or" as word, _, _, *_]:
            return Junction(word, tuple(from_json(part, depth - 1) for part in data[1:]))
        case [str(operator), name, {"column": other}] if operator in OPERATORS:
            return Comparison(operator, _column(name), _column(other))
        case [str(operator), name, value] if operator in OPERATORS:
            return Comparison(operator, _column(name), _value(value))
        case ["in" | "not in" as word, name, [_, *_] as values]:
            return Membership(_column(name), tuple(map(_value, values)), word == "not in")
        case ["is null" | "is not null" as word, name]:
            return NullTest(_column(name), word == "is not null")
    raise ValueError("this is no condition that we know")


def equalities(tree: Tree) -> dict[str, Value]:
    """Return what *tree* demands at its top level of columns: the one value each must have."""
    found: dict[str, Value] = {}
    parts = tree.parts if isinstance(tree, Junction) and tree.word == "and" else (tree,)
    for part in parts:
        match part:
            case Comparison("=", column, operand) if not isinstance(operand, Column):
                found.setdefault(column.name, operand)
    return found


def columns(tree: Tree) -> Iterator[str]:
    """Give the columns that *tree* mentions, as often as it does."""
    match tree:
        case Junction(_, parts):
            for part in parts:
                yield from columns(part)
        case Comparison(_, column, Column(other)):
            yield column.name
            yield other
        case _:
            yield tree.column.name


def _column(name: object) -> Column:
    if not isinstance(name, str) or not COLUMN.fullmatch(name):
        raise ValueError("a column's name is letters, digits and _ (63 at most)")
    return Column(name)


def _value(value: object) -> Value:
    if not isinstance(value, Value):
        raise ValueError("a value is a text, a number, true or false")
    if isinstance(value, int | float) and not SMALLEST <= value <= LARGEST:
        raise ValueError("a number is one of 64 bits")
    return value
