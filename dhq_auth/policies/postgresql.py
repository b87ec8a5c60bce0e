"""An expression as a condition of PostgreSQL, in which the caller is still open.

Who asks stands in settings of the transaction, which `dhq_auth.sdk.rls` sets. Each is read in a
scalar sub-select, so that PostgreSQL does it once for a query and not for every row.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from dhq_auth.policies.nodes import (
    ATTRIBUTES,
    TURNED,
    Among,
    Attribute,
    Compare,
    Group,
    IsNull,
    Literal,
    Node,
    Operand,
)
from dhq_auth.sdk.column_types import (
    HEX_UUID,
    INTEGER,
    LARGEST,
    NUMBER,
    SMALLEST,
    converted,
    type_named,
)
from dhq_auth.sdk.evaluate import compared
from dhq_auth.sdk.row_security import PREFIX
from dhq_auth.sdk.sql import SPELT
from dhq_auth.sdk.tree import Column, Value
from dhq_auth.sdk.words import quoted

NEVER: Final = "false"
_NUMBERS: Final = (int, float, Decimal)
_SETTING: Final = {"id": "user_id"}
"""Where an attribute is told under another name than its own."""
_FITS: Final = f"CAST(told AS numeric) BETWEEN {SMALLEST} AND {LARGEST}"
_CASTS: Final = {
    UUID: (HEX_UUID, "CAST(told AS uuid)"),
    int: (INTEGER, f"CASE WHEN {_FITS} THEN CAST(told AS bigint) END"),
    float: (NUMBER, "CAST(told AS double precision)"),
    Decimal: (NUMBER, "CAST(told AS numeric)"),
}
"""What a text must look like to be cast without an error, and how."""


class NotExpressible(ValueError):
    """The condition cannot be held by PostgreSQL as it is meant; the text says why."""


def literal(text: str) -> str:
    """Return *text* as SQL that means the same under every encoding and setting of a client."""
    if text.isascii() and text.isprintable() and "\\" not in text:
        return "'" + text.replace("'", "''") + "'"
    return "E'" + "".join(map(_escaped, text)) + "'"


def identifier(name: str) -> str:
    """Return *name*, of a table or a schema, as SQL."""
    return '"' + name.replace('"', '""') + '"'


def setting(name: str) -> str:
    """Return what was told as *name*, or NULL."""
    return f"nullif(current_setting({literal(PREFIX + name)}, true), '')"


@dataclass(slots=True)
class Writer:
    """Writes conditions on one table, whose columns have the types *casts*."""

    casts: Mapping[str, str]
    columns: set[str] = field(default_factory=set)
    """The columns that were mentioned."""
    unsure: set[str] = field(default_factory=set)
    """Those of them that were put in order with one another, and may be texts."""

    def condition(self, node: Node | None) -> str:
        """Return *node*; None, the empty expression, holds always.

        Raises NotExpressible for what PostgreSQL would judge otherwise than we do.
        """
        match node:
            case None:
                return "true"
            case Group(word, parts):
                return _joined(word, [self.condition(part) for part in parts])
            case Compare(operator, left, right):
                return self._compared(operator, left, right)
            case Among(operand, items, negated):
                return self._among(operand, items, negated=negated)
            case IsNull(Literal(value), negated):
                return str((value is None) != negated).lower()
            case IsNull(operand, negated):
                known = self._column(operand) if isinstance(operand, Column) else _caller(operand)
                return f"{known} IS {'NOT ' if negated else ''}NULL"

    def _column(self, column: Column) -> str:
        self.columns.add(column.name)
        name = quoted(column.name)
        # Nothing for a column that is text, and the words of an enumeration for one of those.
        return f"CAST({name} AS text)" if self.casts.get(column.name) == "text" else name

    def _compared(self, operator: str, left: Operand, right: Operand) -> str:
        if isinstance(left, Column):
            if isinstance(right, Column):
                return self._together(operator, left, right)
            return self._with_column(operator, left, right)
        if isinstance(right, Column):
            return self._with_column(TURNED[operator], right, left)
        if isinstance(left, Literal) and isinstance(right, Literal):
            return str(compared(operator, left.value, right.value) is True).lower()
        known = _caller(left), _caller(right)
        return NEVER if None in known else _spelt(operator, *map(str, known), text=_is_text(left))

    def _with_column(self, operator: str, column: Column, operand: Attribute | Literal) -> str:
        kind = self._kind(column)
        if kind is int and isinstance(operand, Literal) and isinstance(operand.value, bool):
            # A column that is 0 or 1, as without booleans.
            operator, operand = "=", Literal(int(operand.value == (operator == "=")))
        name = self._column(column)
        value = _caller(operand, kind, self.casts.get(column.name, ""))
        text = kind in (None, str) and _is_text(operand)
        return NEVER if value is None else _spelt(operator, name, value, text=text)

    def _together(self, operator: str, left: Column, right: Column) -> str:
        kinds = {self._kind(left), self._kind(right)}
        names = self._column(left), self._column(right)
        known = kinds - {None}
        if len(known) > 1 and not known <= {*_NUMBERS}:
            return NEVER
        if not known and operator not in ("=", "!="):
            self.unsure |= {left.name, right.name}
        return _spelt(operator, *names, text=str in known)

    def _among(self, operand: Operand, items: tuple[Operand, ...], *, negated: bool) -> str:
        word, operator = ("and", "!=") if negated else ("or", "=")
        kind = self._kind(operand) if isinstance(operand, Column) else None
        values = [item for item in items if isinstance(item, Literal)]
        if not isinstance(operand, Column) or kind is int or len(values) < 2:
            values = []
        parts = [self._compared(operator, operand, item) for item in items if item not in values]
        cast = self.casts.get(operand.name, "") if isinstance(operand, Column) else ""
        listed = [_caller(value, kind, cast) for value in values if value.value is not None]
        known = [each for each in listed if each is not None]
        if values and negated and len(known) < len(values):
            return NEVER  # what is unknown of one is unknown of all
        if known and isinstance(operand, Column):
            parts.append(f"{self._column(operand)} {'NOT ' * negated}IN ({', '.join(known)})")
        return _joined(word, parts)

    def _kind(self, column: Column) -> type | None:
        return type_named(self.casts[column.name]) if column.name in self.casts else None


def _joined(word: str, parts: list[str]) -> str:
    decisive = "true" if word == "or" else NEVER
    left = [part for part in parts if part != ("true" if word == "and" else NEVER)]
    if decisive in left:
        return decisive
    if not left:
        return NEVER if word == "or" else "true"
    return left[0] if len(left) == 1 else f"({f' {word.upper()} '.join(left)})"


def _spelt(operator: str, left: str, right: str, *, text: bool) -> str:
    collated = ' COLLATE "C"' if text and operator not in ("=", "!=") else ""
    return f"{left}{collated} {SPELT.get(operator, operator)} {right}"


def _is_text(operand: Operand) -> bool:
    match operand:
        case Attribute(name):
            return ATTRIBUTES[name] is str
        case Literal(value):
            return isinstance(value, str)
    return False


def _caller(operand: Attribute | Literal, kind: type | None = None, cast: str = "") -> str | None:
    """Return what is known without the row, as a *kind*; None where it is no such value."""
    if isinstance(operand, Literal):
        return _value(operand.value, kind, cast)
    if operand.name == "is_admin":
        told = f"coalesce(current_setting({literal(PREFIX + 'is_admin')}, true) = 'true', false)"
        return f"(SELECT {told})" if kind in (None, bool) else None
    if operand.name == "is_authenticated":
        return f"(SELECT {setting('user_id')} IS NOT NULL)" if kind in (None, bool) else None
    told = setting(_SETTING.get(operand.name, operand.name))
    if kind in (None, str):
        return f"(SELECT {told})"
    if kind is bool:
        return None
    if kind not in _CASTS:
        raise NotExpressible(f"auth_user.{operand.name} is compared with a column of type {cast}")
    pattern, value = _CASTS[kind]
    whole = f"CASE WHEN told ~ {literal(f'^({pattern})$')} THEN {value} END"
    return f"(SELECT {whole} FROM (SELECT {told} AS told) AS caller)"  # noqa: S608 - names of ours


def _value(value: Value | None, kind: type | None, cast: str) -> str | None:
    match value:
        case bool():
            return str(value).lower() if kind in (None, bool) else None
        case int() | float():
            return repr(value) if kind in (None, *_NUMBERS) else None
        case str():
            # Alone, PostgreSQL would take it for whatever the column is: 'yes' for true.
            alone = f"CAST({literal(value)} AS text)"
            return alone if kind is None else _typed(converted(value, kind), cast)
    return None


def _typed(value: Any, cast: str) -> str | None:
    if value is None or isinstance(value, int):
        return None if value is None else repr(value)
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, datetime):
        aware = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        value = aware if cast == "timestamptz" else aware.replace(tzinfo=None)
    # A real is compared as what it is kept as, which is less exact than what is written.
    return f"CAST({literal(str(value))} AS {'double precision' if cast == 'real' else cast})"


def _escaped(character: str) -> str:
    if character == "\0":
        raise NotExpressible("a text holds a NUL, which PostgreSQL does not")
    if re.fullmatch(r"[ -~]", character):
        return {"'": "''", "\\": "\\\\"}.get(character, character)
    return f"\\U{ord(character):08X}"
