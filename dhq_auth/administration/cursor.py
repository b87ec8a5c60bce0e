"""Where a list goes on: opaque for callers, for us the last user that they have seen."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Final

from dhq_auth.accounts.store import User
from dhq_auth.errors import InvalidRequest

_ID: Final = re.compile(r"[!-~]{1,128}")


def cursor_of(user: User) -> str:
    """Return the cursor of what comes after *user*."""
    return _written(user.created_at, user.id)


def place_of(cursor: str) -> tuple[datetime, str]:
    """Return when the user before *cursor* was made, and the id; InvalidRequest if it is none."""
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        moment, _, user_id = text.partition(" ")
        created_at = datetime.fromisoformat(moment).astimezone(UTC)
        if not may_be_id(user_id) or _written(created_at, user_id) != cursor:
            raise ValueError("not as we made it")
    except (ValueError, OverflowError):
        raise InvalidRequest("This cursor is none: send `next` of the page before.") from None
    return created_at, user_id


def may_be_id(text: str) -> bool:
    """Whether *text* can be a user's id; what cannot is not asked of the database."""
    return _ID.fullmatch(text) is not None


def _written(created_at: datetime, user_id: str) -> str:
    text = f"{created_at.astimezone(UTC).isoformat()} {user_id}"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")
