"""The token that a request presents, wherever it may stand (contract, section 2)."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

from dhq_auth.sdk.service_token import InvalidToken

_BEARER: Final = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


def presented(
    authorization: Sequence[str], auth_token: Sequence[str], query: str | bytes
) -> str | None:
    """Return the token of a request, from the values of its two headers and its raw *query*.

    `Authorization` comes first, then `Auth-Token` if it is not empty, then the parameter `jwt`; the
    first that is there counts, whatever the others hold. None if there is none. Raises InvalidToken
    for another scheme than Bearer, and for what stands there twice.
    """
    if len(authorization) > 1 or len(auth_token) > 1:
        raise InvalidToken("The token stands there more than once.")
    if authorization:
        match = _BEARER.fullmatch(authorization[0])
        if match is None:
            raise InvalidToken("Authorization must be `Bearer` and a token.")
        return match[1]
    if auth_token and auth_token[0]:
        return auth_token[0]
    return _parameter(query)


def _parameter(query: str | bytes) -> str | None:
    text = query if isinstance(query, str) else query.decode("ascii", "replace")
    if "jwt" not in text and "%" not in text:
        return None
    pairs = parse_qsl(text, keep_blank_values=True)
    values = [value for name, value in pairs if name == "jwt"]
    if len(values) > 1:
        raise InvalidToken("The token stands there more than once.")
    return values[0] or None if values else None
