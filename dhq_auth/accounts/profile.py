"""A user as others see one."""

import json
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any, Final
from weakref import WeakKeyDictionary

from dhq_auth.accounts.store import User
from dhq_auth.hookspecs import UserInfo


@lru_cache(maxsize=4096)
def _date(moment: datetime) -> str:
    """Return *moment*, in UTC, as HTTP writes it (RFC 9110 5.6.7)."""
    return format_datetime(moment, usegmt=True)


def user_info(user: User) -> UserInfo:
    """Return *user* as plugins see one."""
    return {
        "id": user.id,
        "idhash": user.idhash,
        "provider_id": user.provider_id,
        "username": user.username,
        "name": user.name,
        "email": user.email,
        "email_verified": user.email_verified,
        "avatar_url": user.avatar_url,
        "join_date": _date(user.created_at),
        "is_admin": user.is_admin,
    }


def own_profile(user: User) -> dict[str, Any]:
    """Return *user* as the user sees it; `username` only if one was chosen."""
    profile = {
        "id": user.id,
        "idhash": user.idhash,
        "name": user.name,
        "email": user.email,
        "email_verified": user.email_verified,
        "avatar_url": user.avatar_url,
        "join_date": _date(user.created_at),
        "provider_id": user.provider_id,
    }
    return profile if user.username is None else {**profile, "username": user.username}


def own_profile_json(user: User) -> bytes:
    """Return the `own_profile` of *user* as JSON, which is made once."""
    if (known := _own_profiles.get(user)) is None:
        known = _own_profiles[user] = json.dumps(own_profile(user)).encode()
    return known


_own_profiles: Final = WeakKeyDictionary[User, bytes]()
"""Of the users that somebody remembers, or asks about now."""


def public_profile(user: User) -> dict[str, Any]:
    """Return *user* as everybody may see it: never the email, nor a hash of it."""
    return {
        "id": user.id,
        "name": user.name,
        "username": user.username,
        "avatar_url": user.avatar_url,
        "join_date": _date(user.created_at),
        "gravatar": None,
    }
