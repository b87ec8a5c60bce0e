"""Where a list of policies goes on: opaque for callers, for us the last policy of the page before."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from dhq_auth.errors import InvalidRequest
from dhq_auth.policies.store import Key


def cursor_of(key: Key) -> str:
    """Return the cursor of what comes after the policy for *key*."""
    return urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def key_of(cursor: str) -> Key:
    """Return what the policy before *cursor* is for; InvalidRequest if it is none."""
    try:
        found = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        service, table_name, action = map(_name, found)
        if cursor_of((service, table_name, action)) != cursor:
            raise ValueError("not as we made it")
    except (ValueError, TypeError, RecursionError):
        raise InvalidRequest("This cursor is none: send `next` of the page before.") from None
    return service, table_name, action


def _name(part: object) -> str:
    # Whatever stands in the table, but nothing that a database would refuse to compare it with.
    if not isinstance(part, str) or not part.isprintable():
        raise ValueError("no name")
    return part
