"""What an API token may be used for; scopes narrow what its owner may, and never widen it."""

import re
from collections.abc import Iterable
from typing import Final

from dhq_auth.errors import InvalidRequest
from dhq_auth.message import Message

PLAIN: Final = ("admin", "policies", "profile")
MAX_SCOPES: Final = 50
_AUTHORIZE = re.compile(r"authorize:[^\s/?#&:\x00-\x1f\x7f]{1,255}")


def check(scopes: Iterable[object]) -> frozenset[str]:
    """Return *scopes* if each is one of ours; InvalidRequest says what would be right."""
    found = set()
    for scope in scopes:
        if not isinstance(scope, str) or not (scope in PLAIN or _AUTHORIZE.fullmatch(scope)):
            raise InvalidRequest(
                Message(
                    "A scope is one of {plain}, or authorize:SERVICE; leave scopes out for a "
                    "token that may do all that you may.",
                    plain=", ".join(PLAIN),
                )
            )
        found.add(scope)
    if len(found) > MAX_SCOPES:
        raise InvalidRequest(
            Message("A token has at most {max_scopes} scopes.", max_scopes=MAX_SCOPES)
        )
    return frozenset(found)
