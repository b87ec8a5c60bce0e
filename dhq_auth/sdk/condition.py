"""A condition as an expression of SQLAlchemy, over the columns of a table.

Every value is bound, as the type of the column it is compared with. The text of a policy becomes a
value of that type as for `dhq_auth.sdk.evaluate`; where it cannot, there is no such row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import CompileError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from dhq_auth.sdk.column_types import LARGEST, SMALLEST, converted, type_named
from dhq_auth.sdk.evaluate import OPERATIONS
from dhq_auth.sdk.tree import Column, Comparison, Junction, Membership, NullTest, Tree, Value

Element = sa.ColumnElement[Any]
Condition = sa.ColumnElement[bool]

_NUMBERS: Final = (int, float, Decimal)
_KINDS: Final[tuple[tuple[Any, type], ...]] = (
    (NullType, object),
    (sa.Boolean, bool),
    (sa.Integer, int),
    (sa.Float, float),
    (sa.Numeric, Decimal),
    (sa.Uuid, UUID),
    (sa.DateTime, datetime),
    (sa.Date, date),
    (sa.String, str),
)
_BOUND: Final[Mapping[type, TypeEngine[Any]]] = {
    bool: sa.Boolean(),
    int: sa.BigInteger(),
    float: sa.Float(),
    Decimal: sa.Numeric(),
    UUID: sa.Uuid(),
    datetime: sa.DateTime(),
    date: sa.Date(),
    str: sa.String(),
}
"""The types that values are bound as: of whole numbers the widest, whatever the column holds."""


class by_code_point(FunctionElement[str]):  # noqa: N801 - as SQLAlchemy's own functions are called
    """A text that is compared by its code points, whatever the collation of its column."""

    type = sa.String()
    inherit_cache = True


@compiles(by_code_point)
def _unknown_to(element: by_code_point, compiler: Any, **_: Any) -> str:
    raise CompileError("rows() is for SQLite and PostgreSQL: the order of texts differs elsewhere")


@compiles(by_code_point, "postgresql")
def _on_postgresql(element: by_code_point, compiler: Any, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)} COLLATE "C")'


@compiles(by_code_point, "sqlite")
def _on_sqlite(element: by_code_point, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)} COLLATE BINARY)"


def condition(
    tree: Tree, column_named: Callable[[str], Element], types: Mapping[str, str]
) -> Condition:
    """Return *tree* over the columns that *column_named* finds.

    *types* names the types of columns whose declared one says nothing or something else. Raises
    ValueError for a type that is not known, and whatever *column_named* raises.
    """

    def typed(column: Column) -> _Typed:
        return _typed(column_named(column.name), types.get(column.name))

    match tree:
        case Junction(word, parts):
            joined = sa.and_ if word == "and" else sa.or_
            return joined(*(condition(part, column_named, types) for part in parts))
        case Comparison(word, column, operand):
            if isinstance(operand, Column):
                return _together(word, typed(column), typed(operand))
            return typed(column).compared(word, operand)
        case Membership(column, values, negated):
            return typed(column).without(values) if negated else typed(column).among(values)
        case NullTest(column, negated):
            found = column_named(column.name)
            return found.is_not(None) if negated else found.is_(None)


@dataclass(frozen=True, slots=True)
class _Typed:
    """A column, what Python has for its values (`object`: anything), and the type to bind them as."""

    element: Element
    kind: type | None
    bound: TypeEngine[Any] | None = None
    collated: bool = False

    def compared(self, word: str, value: Value) -> Condition:
        if isinstance(value, bool) and self.kind is int:
            # As SQLite keeps it: there is nothing beside 0 and 1.
            value = int(value if word == "=" else not value)
            word = "="
        bound = self._bound(value)
        side = self.side(word, text=self.kind in (str, object) and isinstance(value, str))
        return sa.false() if bound is None else OPERATIONS[word](side, bound)

    def among(self, values: tuple[Value, ...]) -> Condition:
        bound = [each for each in map(self._bound, values) if each is not None]
        if self.kind is int and any(isinstance(value, bool) for value in values):
            return sa.or_(*(self.compared("=", value) for value in values))
        return self.side("=", text=self.kind is str).in_(bound) if bound else sa.false()

    def without(self, values: tuple[Value, ...]) -> Condition:
        """Return that it is none of *values*: no, where one of them is nothing it could be."""
        if self.kind is int and any(isinstance(value, bool) for value in values):
            return sa.and_(*(self.compared("!=", value) for value in values))
        bound = [each for each in map(self._bound, values) if each is not None]
        text = self.kind is str
        side = self.side("=", text=text)
        return side.not_in(bound) if len(bound) == len(values) else sa.false()

    def side(self, word: str, *, text: bool) -> Element:
        """Return it as it is compared by *word*, with a *text* or with something else."""
        ordered = word not in ("=", "!=")
        return by_code_point(self.element) if text and (ordered or self.collated) else self.element

    def _bound(self, value: Value) -> Element | None:
        """Return *value* as what the column holds, or None if it holds nothing like it."""
        known = self._value(value)
        if known is None:
            return None
        bound = self.bound or _BOUND[type(known)]
        if isinstance(known, datetime):
            known = _at(known, bound)
        elif isinstance(bound, sa.Uuid) and not bound.as_uuid:
            known = str(known)
        return sa.literal(known, bound)

    def _value(self, value: Value) -> Any:
        # Databases compare a whole number with another type exactly; a fraction in decimal.
        fits = not isinstance(value, int) or SMALLEST <= value <= LARGEST
        if fits and self.kind in (object, type(value)):
            return value
        if isinstance(value, str):
            return converted(value, self.kind) if self.kind else None
        if isinstance(value, bool) or self.kind not in (object, *_NUMBERS):
            return None
        return value if fits and isinstance(value, int) else Decimal(repr(value))


def _typed(element: Element, name: str | None) -> _Typed:
    declared = element.type
    while isinstance(declared, TypeDecorator):
        declared = declared.impl_instance
    if name is not None:
        return _Typed(
            element, type_named(name), sa.DateTime(timezone=True) if name == "timestamptz" else None
        )
    if isinstance(declared, sa.Enum) or declared.__visit_name__ == "CITEXT":
        return _Typed(sa.cast(element, sa.String()), str)
    known = next((kind for base, kind in _KINDS if isinstance(declared, base)), None)
    own = declared is not element.type or known in (UUID, datetime)
    collated = isinstance(declared, sa.String) and declared.collation is not None
    return _Typed(element, known, element.type if own else None, collated)


def _together(word: str, left: _Typed, right: _Typed) -> Condition:
    """Compare two columns; those of different types are never alike."""
    numbers = left.kind in _NUMBERS and right.kind in _NUMBERS
    if left.kind is None or not (left.kind is right.kind or numbers):
        return sa.false()
    if left.kind is object and word not in ("=", "!="):
        raise ValueError(
            f"it is not known what {left.element} and {right.element} hold, which are put in order"
        )
    text = left.kind is str
    together: Condition = OPERATIONS[word](left.side(word, text=text), right.side(word, text=text))
    return together


def _at(moment: datetime, bound: TypeEngine[Any]) -> datetime:
    """Return *moment* with or without its zone, as *bound* wants it; without one it is in UTC."""
    aware = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    declared = bound
    while isinstance(declared, TypeDecorator):
        declared = declared.impl_instance
    return aware if getattr(declared, "timezone", False) else aware.replace(tzinfo=None)
