"""The types that columns have, and the texts of policies as values of them.

`auth_user.id` is text; a column that it is compared with may hold a number or a UUID. What is not
exactly a value of the type is none: neither blanks nor other spellings are guessed at.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

TYPES: Final[Mapping[str, type]] = {
    "text": str,
    "uuid": UUID,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "numeric": Decimal,
    "real": float,
    "double precision": float,
    "boolean": bool,
    "date": date,
    "timestamp": datetime,
    "timestamptz": datetime,
}
"""What a column can be said to be, by PostgreSQL's words, and what Python has for it."""

INTEGER: Final = "-?[0-9]{1,19}"
NUMBER: Final = r"-?[0-9]{1,19}(\.[0-9]{1,19})?"
HEX_UUID: Final = "[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}"
"""Regular expressions for Python and for PostgreSQL alike."""
SMALLEST: Final = -(2**63)
LARGEST: Final = 2**63 - 1
"""What 64 bits hold."""


def type_named(name: str) -> type:
    """Return what Python has for the type *name*; raises ValueError for one that is not known."""
    try:
        return TYPES[name]
    except KeyError:
        raise ValueError(f"a type is one of {', '.join(TYPES)}; not {name!r}") from None


def typed(row: Mapping[str, Any], types: Mapping[str, str] | None) -> Mapping[str, Any]:
    """Return *row* with its texts as what *types* says of their columns, as JSON lacks most types.

    What is no such value stays something, which is like nothing.
    """
    if not types:
        return row
    return {**row, **{name: _typed(row[name], types[name]) for name in types if name in row}}


def _typed(value: Any, name: str) -> Any:
    kind = type_named(name)
    if not isinstance(value, str):
        return value
    result = converted(value, kind)
    return _NOTHING_LIKE_IT if result is None else result


def converted(text: str, kind: type) -> Any:
    """Return *text* as a *kind*, or None where it is none."""
    for base, convert in _CONVERSIONS:
        if issubclass(kind, base):
            try:
                return convert(text)
            except (ValueError, OverflowError):
                return None
    return None


def _integer(text: str) -> int:
    number = int(_matched(INTEGER, text))
    if not SMALLEST <= number <= LARGEST:
        raise ValueError(text)
    return number


def _decimal(text: str) -> Decimal:
    return Decimal(_matched(NUMBER, text))


def _matched(pattern: str, text: str) -> str:
    if not re.fullmatch(pattern, text, re.ASCII):
        raise ValueError(text)
    return text


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo:
        moment.astimezone(UTC)  # which has no time beyond its first and its last year
    return moment


def _no_boolean(text: str) -> bool:
    raise ValueError(text)


_NOTHING_LIKE_IT: Final = object()
_CONVERSIONS: Final[tuple[tuple[type, Callable[[str], Any]], ...]] = (
    (str, str),
    (bool, _no_boolean),
    (int, _integer),
    (float, lambda text: float(_decimal(text))),
    (Decimal, _decimal),
    (datetime, _moment),
    (date, date.fromisoformat),
    (UUID, lambda text: UUID(_matched(HEX_UUID, text))),
)
"""A bool is an int, and a datetime a date, so those come first."""
