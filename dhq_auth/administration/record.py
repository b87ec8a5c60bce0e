"""A user as administrators and the user see one: the contract's record, as JSON."""

from typing import Any

from dhq_auth.accounts.store import User
from dhq_auth.clock import rfc3339


def record_of(user: User) -> dict[str, Any]:
    """Return the record of *user*; times as in RFC 3339, never anything of a password."""
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "email_verified": user.email_verified,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "name": user.name,
        "avatar_url": user.avatar_url,
        "is_admin": user.is_admin,
        "is_active": user.is_active,
        "created_at": rfc3339(user.created_at),
        "updated_at": rfc3339(user.updated_at),
    }
