"""Reading a JWT before its signature is checked: only the one form that we write and expect.

joserfc verifies signatures; what stands here refuses everything that two readers could take
differently (RFC 8725 2.4, 3.7): other serializations, junk in base64url, duplicate members, NaN.
"""

import json
import math
import re
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NoReturn

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

MALFORMED: Final = (ValueError, TypeError, ArithmeticError, OSError, RecursionError, JoseError)
"""Whatever a reader of hostile JSON and base64 may raise: all of it is the token's fault."""
_RS256: Final = JWSRegistry.algorithms["RS256"]
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_REFUSED_HEADERS = frozenset({"crit", "b64", "zip", "cty", "jwk", "jku", "x5u", "x5c", "enc"})
# The last character of a group of two or three holds bits that must be zero (RFC 4648 3.5).
_TAILS = {2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}


def header_of(token: str, max_length: int) -> dict[str, Any]:
    """Return the header of the JWT *token* as `parts_of` does."""
    return parts_of(token, max_length)[0]


def parts_of(token: str, max_length: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of the JWT *token* (RFC 7515 4), of which nothing is believed yet.

    Raises ValueError if any part of the token is malformed.
    """
    if len(token) > max_length or not _COMPACT.fullmatch(token):
        raise ValueError("not a JWT in compact form")
    protected, payload, signature = token.split(".")
    _demand_canonical(signature)
    claims = _object(payload)
    return dict(_header(protected)), claims


@lru_cache(maxsize=64)
def _header(protected: str) -> dict[str, Any]:
    """Return the header in *protected*: all tokens that one key has signed have the same."""
    header = _object(protected)
    if refused := _REFUSED_HEADERS & header.keys():
        raise ValueError(f"the header {min(refused)} is not accepted")
    if not isinstance(header.get("alg"), str):
        raise ValueError("no algorithm is named")
    return header


def is_signed(token: str, key: RSAKey) -> bool:
    """Whether *key* has signed *token*, which `parts_of` has read, by RS256 (RFC 7515 5.2)."""
    signed, _, signature = token.rpartition(".")
    return _RS256.verify(signed.encode(), _bytes_of(signature), key)


def issuer_of(token: str) -> object:
    """Return the `iss` that *token*, which `header_of` has read, claims (RFC 7519 4.1.1).

    It tells whose keys to try, and nothing else: of this, too, nothing is believed yet.
    """
    return _object(token.split(".")[1]).get("iss")


def numeric_date(value: object) -> datetime:
    """Read a NumericDate (RFC 7519 2); what it raises for anything else is in `MALFORMED`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a time is not a number")
    return datetime.fromtimestamp(value, UTC)


def _bytes_of(segment: str) -> bytes:
    _demand_canonical(segment)
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _demand_canonical(segment: str) -> None:
    """Raise ValueError unless *segment*, of the right alphabet, is the one way to write its bytes."""
    tail = _TAILS.get(len(segment) % 4)
    if len(segment) % 4 == 1 or (tail and segment[-1] not in tail):
        raise ValueError("not base64url")


def _object(segment: str) -> dict[str, Any]:
    try:
        value = _decode(_bytes_of(segment).decode())
    except RecursionError:
        raise ValueError("too deeply nested") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands there twice")
    return members


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_decode: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse).decode
