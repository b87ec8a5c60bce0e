"""Keys of the fakes, and every way in which an ID token can be signed wrongly."""

import functools
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import Enum

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from tests.fakes.oauth import base64url

Key = RSAKey | ECKey


class Signature(Enum):
    """How a token is signed."""

    HONEST = "by the key that is published under its kid"
    WITHOUT_KID = "by the published key, without naming it"
    UNKNOWN_KID = "by a key that is not published"
    FOREIGN_KEY = "by a key that is not published, under the kid of one that is"
    NONE = "not at all: alg none"
    CLIENT_SECRET = "by HS256 with the client secret"
    PUBLIC_KEY = "by HS256 with the text of the public key"
    DAMAGED = "by the published key, with one bit of the signature turned"


_spare: defaultdict[str, list[Key]] = defaultdict(list)


def borrow(alg: str) -> Key:
    """Return a key that nobody else uses now; making one is slow, so they are used again."""
    return _spare[alg].pop() if _spare[alg] else _made(alg)


def give_back(alg: str, keys: Iterable[Key]) -> None:
    _spare[alg].extend(keys)


@functools.cache
def unpublished(alg: str) -> Key:
    """Return the key that no server ever publishes."""
    return _made(alg)


def signed(claims: Mapping[str, object], how: Signature, key: Key, alg: str, secret: str) -> str:
    """Return *claims* as a compact JWS signed in the way *how*."""
    kid = unpublished(alg).kid if how is Signature.UNKNOWN_KID else key.kid
    header: dict[str, object] = {"alg": alg, "typ": "JWT", "kid": kid}
    payload = json.dumps(claims).encode()
    match how:
        case Signature.NONE:
            return _compact({"alg": "none", "typ": "JWT"}, payload, b"")
        case Signature.CLIENT_SECRET:
            return _hs256(header, payload, secret.encode())
        case Signature.PUBLIC_KEY:
            return _hs256(header, payload, key.as_pem(private=False))
        case Signature.WITHOUT_KID:
            del header["kid"]
        case Signature.FOREIGN_KEY | Signature.UNKNOWN_KID:
            key = unpublished(alg)
        case Signature.DAMAGED:
            token = jws.serialize_compact(header, payload, key, [alg])
            first = token.rindex(".") + 1
            return token[:first] + ("B" if token[first] == "A" else "A") + token[first + 1 :]
        case Signature.HONEST:
            pass
    return jws.serialize_compact(header, payload, key, [alg])


def _made(alg: str) -> Key:
    if alg == "ES256":
        return ECKey.generate_key("P-256", {"use": "sig", "alg": alg}, auto_kid=True)
    return RSAKey.generate_key(2048, {"use": "sig", "alg": alg}, auto_kid=True)


def _hs256(header: Mapping[str, object], payload: bytes, secret: bytes) -> str:
    header = {**header, "alg": "HS256"}
    mac = hmac.digest(secret, _signing_input(header, payload).encode(), hashlib.sha256)
    return _compact(header, payload, mac)


def _compact(header: Mapping[str, object], payload: bytes, signature: bytes) -> str:
    return f"{_signing_input(header, payload)}.{base64url(signature)}"


def _signing_input(header: Mapping[str, object], payload: bytes) -> str:
    return f"{base64url(json.dumps(header).encode())}.{base64url(payload)}"
