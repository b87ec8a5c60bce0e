"""Checking what a permission provider answers: a token holds JSON, all of it, and not too much."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from dhq_auth.hookspecs import Grant

MAX_DEPTH: Final = 32
MAX_BITS: Final = 1024
"""Integers beyond this are no JSON that others read."""
MAX_EXPLANATION: Final = 256 * 1024
"""Characters of an explanation, which stands beside the token."""


class BadGrant(Exception):
    """An answer that cannot be used; the text says why, in our own words."""


def checked(answer: object, max_size: int) -> Grant:
    """Return *answer* with copies of its values if it is a grant of JSON values, else BadGrant.

    Of their text, more than *max_size* characters are refused, and not looked at any further.
    """
    if not isinstance(answer, Grant):
        raise BadGrant(f"it is of the type {_type(answer)}, not a Grant")
    copier = JsonCopier(max_size)
    permissions = copier.mapping(answer.permissions, "permissions")
    filters = None if answer.filters is None else copier.mapping(answer.filters, "filters")
    if not isinstance(answer.fresh_for, timedelta) or answer.fresh_for < timedelta(0):
        raise BadGrant("fresh_for is no timedelta of zero or more")
    stale_since = answer.stale_since
    if stale_since is not None and (
        not isinstance(stale_since, datetime) or stale_since.utcoffset() is None
    ):
        raise BadGrant("stale_since is no datetime with a time zone")
    return Grant(permissions, filters, answer.fresh_for, stale_since, _explanation(answer))


def _explanation(answer: Grant) -> dict[str, Any] | None:
    if answer.explanation is None:
        return None
    copier = JsonCopier(MAX_EXPLANATION, "for an explanation")
    return copier.mapping(answer.explanation, "explanation")


class JsonCopier:
    """Copies JSON values (RFC 8259), as long as there is *room* for so many characters.

    *what* the room is for is said where there is none left.
    """

    def __init__(self, room: float = math.inf, what: str = "for a token (MAX_TOKEN)") -> None:
        self._room = room
        self._what = what

    def mapping(self, value: object, place: str, depth: int = 0) -> dict[str, Any]:
        """Return a copy of the object *value*; BadGrant says where in *place* it is none of JSON."""
        if not isinstance(value, Mapping):
            raise BadGrant(f"{place} is of the type {_type(value)}, not a dict")
        copy = {}
        for key, member in value.items():
            if not isinstance(key, str):
                raise BadGrant(f"{place} has a key of the type {_type(key)}, not a text")
            name = self._text(key, place)
            copy[name] = self._value(member, f"{place}.{name[:80]}", depth + 1)
        return copy

    def _value(self, value: object, place: str, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise BadGrant(f"{place.partition('.')[0]} is nested more than {MAX_DEPTH} deep")
        self._take(1)
        match value:
            case None | bool():
                return value
            case str():
                return self._text(value, place)
            case int() if value.bit_length() <= MAX_BITS:
                return int(value)
            case float() if math.isfinite(value):
                return float(value)
            case Mapping():
                return self.mapping(value, place, depth)
            case list() | tuple():
                return [self._value(member, place, depth + 1) for member in value]
            case int() | float():
                raise BadGrant(f"{place} is a number that JSON does not have")
        raise BadGrant(f"{place} is of the type {_type(value)}, which JSON does not have")

    def _text(self, value: str, place: str) -> str:
        self._take(len(value) + 1)
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadGrant(f"{place} has a text that is not Unicode") from None
        return str(value)

    def _take(self, characters: int) -> None:
        self._room -= characters
        if self._room < 0:
            raise BadGrant(f"it is too large {self._what}")


def _type(value: object) -> str:
    return type(value).__name__
