"""A password as text: the one spelling of it that is judged and hashed."""

from typing import Final
from unicodedata import normalize

MAX_LENGTH: Final = 1024
"""Characters of a password, after normalization; longer ones are never hashed."""
_MAX_TYPED: Final = 4 * MAX_LENGTH
"""Characters that are normalized at all: ordering accents takes the square of their number."""


def nfc(password: str) -> str:
    """Return *password* in the normalization form C (SP 800-63B-4 3.1.1.2, RFC 8265 4.2.1).

    So an accent counts as typed, whether the keyboard sends it with its letter or behind it.
    Raises ValueError beyond MAX_LENGTH characters.
    """
    if len(password) <= _MAX_TYPED:
        normal = normalize("NFC", password)
        if len(normal) <= MAX_LENGTH:
            return normal
    raise ValueError(f"longer than {MAX_LENGTH} characters")


def spellings(password: str) -> list[bytes]:
    """Return *password* in bytes: normalized, then, where that differs, as it was typed.

    Empty for what is no password: too long, or not text at all (lone surrogates).
    """
    try:
        return list(dict.fromkeys((nfc(password).encode(), password.encode())))
    except ValueError:
        return []
