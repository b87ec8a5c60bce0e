"""How an API token looks: `6879-`, 43 random characters, 6 of checksum.

Prefix and checksum let secret scanners find one that leaked, and us refuse one that was made up
without asking the database.
"""

import re
import secrets
import string
from binascii import crc32
from typing import Final

PREFIX: Final = "6879-"
PATTERN: Final = r"\b6879-[0-9A-Za-z]{49}\b"
"""What secret scanners look for."""

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM: Final = 43  # characters, each of 5.95 bits: 256 in all
_CHECKSUM: Final = 6
_TOKEN = re.compile(rf"6879-([0-9A-Za-z]{{{_RANDOM}}})([0-9A-Za-z]{{{_CHECKSUM}}})")


def new_token() -> str:
    """Return a new API token."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return f"{PREFIX}{random}{_checksum(random)}"


def is_well_formed(token: str) -> bool:
    """Whether *token* can be one of ours: its length, its letters, its checksum."""
    match = _TOKEN.fullmatch(token)
    return match is not None and _checksum(match[1]) == match[2]


def hint_of(token: str) -> str:
    """Return what its owner may recognize *token* by: the last four characters."""
    return token[-4:]


def _checksum(random: str) -> str:
    """Return the CRC-32 of *random* in base 62: it finds typing errors, and proves nothing."""
    number, digits = crc32(random.encode()), ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
