"""Who asks, as expressions see it."""

from dataclasses import dataclass
from typing import Final

from dhq_auth.accounts.store import User


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
    """Return what policies know of *user*; None is the anonymous caller.

    An email that nobody has verified proves nothing, so it is NULL: else who registers with
    somebody's address would get the rows that are meant for that person.
    """
    if user is None:
        return ANONYMOUS
    return AuthUser(
        id=user.id,
        username=user.username,
        email=user.email if user.email_verified else None,
        is_admin=user.is_admin,
    )
