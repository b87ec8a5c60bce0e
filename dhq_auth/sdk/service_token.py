"""Service tokens: the one form in which the auth service writes them, and nothing beside it.

RS256 alone, `typ` JWT, a known key named by `kid`, no `aud` (contract, section 3; RFC 8725).
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from dhq_auth.sdk import strict
from dhq_auth.sdk.caller import Caller

Clock = Callable[[], datetime]
"""Where the time comes from: aware, in UTC."""
MAX_TOKEN: Final = 8192
"""Characters of a token; what the service makes by default is not longer."""
LEEWAY: Final = timedelta(seconds=30)
"""How far the clocks of the two services may be apart."""
ALGORITHMS: Final = ["RS256"]


class InvalidToken(Exception):
    """What was presented is no token that holds here; `expired` tells whether it once did."""

    status: Final = 401

    def __init__(self, detail: str = "The token is not valid.", *, expired: bool = False) -> None:
        super().__init__(detail)
        self.expired = expired


def kid_of(token: str, max_length: int = MAX_TOKEN) -> str:
    """Return the name of the key that *token* says it is signed with (RFC 7515 4.1.4).

    Raises InvalidToken for whatever is no service token, before any key is looked at.
    """
    try:
        header = strict.header_of(token, max_length)
    except strict.MALFORMED as error:
        raise InvalidToken from error
    kid = header.get("kid")
    if header.get("typ") != "JWT" or header["alg"] not in ALGORITHMS or not _is_id(kid):
        raise InvalidToken("The token is of another type, or signed in another way.")
    return str(kid)


def claims_of(token: str, key: RSAKey, now: datetime) -> Mapping[str, Any]:
    """Return the claims of *token*, which `kid_of` has read, if *key* has signed it and it is time.

    Raises InvalidToken otherwise.
    """
    try:
        claims = jwt.decode(token, KeySet([key]), ALGORITHMS).claims
        _check_times(claims, now)
    except strict.MALFORMED as error:
        raise InvalidToken from error
    if "aud" in claims:
        raise InvalidToken("The token is for another audience.")  # RFC 7519 4.1.3: ours name none
    return claims


def caller_of(claims: Mapping[str, Any], *, issuer: str, service: str) -> Caller:
    """Return whom *claims*, which `claims_of` has believed, speak of.

    Raises InvalidToken if they are of another issuer, for another service, or not complete.
    """
    if claims.get("iss") != issuer:
        raise InvalidToken("The token is from another issuer.")
    if claims.get("service") != service:
        raise InvalidToken("The token is for another service.")
    user_id, permissions, filters = map(claims.get, ("sub", "permissions", "filters"))
    if not _is_id(user_id) or claims.get("userid") != user_id or not _is_id(claims.get("jti")):
        raise InvalidToken("The token does not say whose it is.")
    if not isinstance(permissions, dict) or not isinstance(filters, dict | None):
        raise InvalidToken("The token does not say what is allowed.")
    issued_at, expires_at = strict.numeric_date(claims["iat"]), strict.numeric_date(claims["exp"])
    return Caller(user_id, permissions, filters, issued_at, expires_at)


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    """Raise InvalidToken unless it is time for *claims* (RFC 7519 4.1.4 to 4.1.6)."""
    for name in ("iat", "nbf"):
        if (name in claims or name == "iat") and (
            strict.numeric_date(claims.get(name)) > now + LEEWAY
        ):
            raise InvalidToken("The token is not valid yet.")
    if strict.numeric_date(claims.get("exp")) <= now - LEEWAY:
        raise InvalidToken("The token has expired.", expired=True)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value != "" and value.isascii() and value.isprintable()
