"""A condition as SQLAlchemy's expression on the columns of a table."""

import operator
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, String, Table, and_, or_

from dhq_auth.db import Timestamp
from dhq_auth.sdk.tree import Column, Comparison, Junction, Membership, NullTest, Tree, Value

_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ORDERED: Final = ("<", "<=", ">", ">=")


def holds(tree: Tree, table: Table, dialect: str) -> ColumnElement[bool]:
    """Return *tree*, which is fitted to the columns of *table*, as an expression in *dialect*."""
    match tree:
        case Junction(word, parts):
            joined = and_ if word == "and" else or_
            return joined(*(holds(part, table, dialect) for part in parts))
        case Comparison(word, Column(name), operand):
            return _compared(word, table.c[name], _operand(table, name, operand), dialect)
        case Membership(Column(name), values, negated):
            column = table.c[name]
            bound = [_operand(table, name, value) for value in values]
            return column.not_in(bound) if negated else column.in_(bound)
        case NullTest(Column(name), negated):
            column = table.c[name]
            return column.is_not(None) if negated else column.is_(None)


def _compared(word: str, left: ColumnElement[Any], right: Any, dialect: str) -> ColumnElement[bool]:
    if word in _ORDERED and dialect == "postgresql" and isinstance(left.type, String):
        left = left.collate("C")  # by code point, as SQLite and we do
    compared: ColumnElement[bool] = _OPERATORS[word](left, right)
    return compared


def _operand(table: Table, name: str, operand: Value | Column) -> Any:
    if isinstance(operand, Column):
        return table.c[operand.name]
    is_time = isinstance(table.c[name].type, Timestamp)
    return datetime.fromisoformat(str(operand)) if is_time else operand
