"""The verifier that dhq-auth 0.1.6 published, for the services that are built on it.

`from auth import Verifyer` becomes `from dhq_auth.sdk import Verifyer`. It reads the key once, and
knows neither `service` nor rotation: what is written anew takes `Verifier`.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from dhq_auth.sdk.jwks import OneKey
from dhq_auth.sdk.remote import Remote, Unavailable
from dhq_auth.sdk.service_token import InvalidToken, claims_of, kid_of


class Verifyer:
    """Extracts the permissions of tokens that are signed with one public key.

    *public_key* is its text, as `/auth/public-key` gives it; without one it is fetched, once, from
    `public-key` below *auth_endpoint* (`https://login.example.com/auth/`, with the last slash).
    """

    def __init__(
        self, *, auth_endpoint: str | None = None, public_key: str | bytes | None = None
    ) -> None:
        """Raise AssertionError without either, as it always did.

        New: Unavailable if the key cannot be fetched, ValueError for an address or a key that cannot
        be used. 0.1.6 took whatever came back for a key.
        """
        if public_key is None and auth_endpoint is not None:
            public_key = _fetched(auth_endpoint)
        if public_key is None:
            raise AssertionError("Verifyer needs an auth_endpoint or a public_key")
        _keys(public_key)
        self.public_key = public_key

    def extract_permissions(self, auth_token: str | None) -> dict[str, Any] | Literal[False]:
        """Return all claims of *auth_token*, `permissions` among them, or False if it does not hold."""
        return extract_permissions(auth_token, self.public_key)


def extract_permissions(
    auth_token: str | None, public_key: str | bytes
) -> dict[str, Any] | Literal[False]:
    """Return the claims `userid`, `permissions`, `service`, … of *auth_token*, or False.

    It is False without a token, and for one that is malformed, expired, for an audience, or signed
    otherwise than by *public_key* with RS256. Whether `service` is the one that reads it is left to
    the caller, as ever. What 0.1.6 raised an exception for (bytes, characters that are not ASCII) and
    what it believed without need (other algorithms, no `exp`, no `kid`) is False as well.
    """
    keys = _keys(public_key)
    if not auth_token:
        return False
    try:
        key = keys.key(kid_of(auth_token))
        return dict(claims_of(auth_token, key, datetime.now(UTC)))
    except InvalidToken:
        return False


@lru_cache(maxsize=8)
def _keys(public_key: str | bytes) -> OneKey:
    return OneKey(public_key)


def _fetched(auth_endpoint: str) -> str:
    place = urlsplit(urljoin(auth_endpoint, "public-key"))
    answer = Remote(f"{place.scheme}://{place.netloc}").call("GET", place.path)
    if answer.status != 200:
        raise Unavailable(f"no public key at {auth_endpoint}: status {answer.status}")
    return answer.body.decode("ascii", "replace")
