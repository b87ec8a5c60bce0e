"""Where limits are kept that several replicas share: the address of a Redis or Valkey."""

import re

from dhq_auth.settings.environment import MASK
from dhq_auth.settings.parse import Secret, secret

_URL = re.compile(
    r"(?P<scheme>rediss?|valkeys?)://"
    r"(?:(?P<user>[^\s:/?#@]*):[^\s/?#@]+@)?"
    r"(?P<place>(?:\[[0-9a-fA-F:]+\]|[\w.-]+)(?::(?P<port>[0-9]{1,5}))?(?:/[0-9]{0,3})?)",
    re.ASCII,
)


def redis_url(raw: str) -> Secret:
    """Read the address of a Redis or Valkey; it may hold a password, so it is a secret."""
    match = _URL.fullmatch(raw)
    if not match or not 0 < int(match["port"] or 6379) < 65536:
        raise ValueError(
            "redis://:password@host:6379/0, valkey:// alike, rediss:// with TLS; the password may "
            "be left out, and what is neither letter nor digit in it is written as %40"
        )
    return secret(raw)


def shown_redis_url(raw: str) -> str:
    """Return of the address of a Redis what may be seen: all but the password."""
    if not (match := _URL.fullmatch(raw)):
        return MASK
    user = "" if match["user"] is None else f"{match['user']}:{MASK}@"
    return f"{match['scheme']}://{user}{match['place']}"
