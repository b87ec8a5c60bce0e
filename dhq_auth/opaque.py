"""Opaque secrets: random when made, a digest at rest."""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256

SECRET_LENGTH = 43
_ID = re.compile(r"[0-9a-f]{32}")


def new_secret() -> str:
    """Return 256 random bits as 43 characters of base64url."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    """Return an opaque identifier of 128 random bits, as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def is_id(text: str) -> bool:
    """Whether *text* looks like what `new_id` returns; nothing else has to be looked for."""
    return _ID.fullmatch(text) is not None


def digest(secret: str) -> str:
    """Return what the database keeps of *secret*: its SHA-256.

    Random secrets of 256 bits need no salt and no slow hash.
    """
    return sha256(secret.encode()).hexdigest()


def s256(code_verifier: str) -> str:
    """Return the S256 code challenge of *code_verifier* (RFC 7636 4.2)."""
    value = sha256(code_verifier.encode()).digest()
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def derive(secret: str, purpose: str) -> str:
    """Return another secret, of 43 base64url characters, that only the holder of *secret* can."""
    value = hmac.digest(secret.encode(), purpose.encode(), sha256)
    return urlsafe_b64encode(value).rstrip(b"=").decode()
