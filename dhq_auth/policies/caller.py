"""Who asks, as expressions see it."""

from dataclasses import dataclass
from typing import Final

from dhq_auth.accounts.store import User
from dhq_auth.hookspecs import UserInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthUser:
    """What `auth_user.…` stands for; None is NULL."""

    id: str | None = None
    username: str | None = None
    email: str | None = None
    is_admin: bool = False

    @property
    def is_authenticated(self) -> bool:
        """Whether the caller is known."""
        return self.id is not None


ANONYMOUS: Final = AuthUser()


def auth_user(user: User | None) -> AuthUser:
    """Return what policies know of *user*; None is the anonymous caller."""
    if user is None:
        return ANONYMOUS
    return _known(user.id, user.username, user.email, user.email_verified, user.is_admin)


def auth_user_of(info: UserInfo) -> AuthUser:
    """Return what policies know of a user whom plugins know as *info*."""
    return _known(
        info["id"], info["username"], info["email"], info["email_verified"], info["is_admin"]
    )


def _known(
    user_id: str,
    username: str | None,
    email: str | None,
    email_verified: bool,  # noqa: FBT001 - a value, not a flag
    is_admin: bool,  # noqa: FBT001 - a value, not a flag
) -> AuthUser:
    """Return a caller who is known.

    An email that nobody has verified proves nothing, so it is NULL: else who registers with
    somebody's address would get the rows that are meant for that person.
    """
    return AuthUser(
        id=user_id,
        username=username,
        email=email if email_verified else None,
        is_admin=is_admin,
    )
