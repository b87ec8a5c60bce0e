"""Who is asking, once a credential has been believed, and what it may be used for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from dhq_auth.errors import Forbidden, InsufficientScope

PROFILE: Final = "profile"
ADMIN: Final = "admin"
POLICIES: Final = "policies"
LOGIN: Final = "a login"
"""What needs a person who has logged in: no token has this scope (it holds a blank)."""
ANYTHING: Final = ""
"""For what every credential may do: ask about itself."""


def authorize(service: str) -> str:
    """Return the scope of asking for permissions in *service*."""
    return f"authorize:{service}"


class AuthMethod(StrEnum):
    """How the principal proved who it is."""

    LOGIN_TOKEN = "login_token"  # noqa: S105 - the name of a kind, not a secret
    SESSION = "session"
    PASSWORD = "password"  # noqa: S105 - the name of a kind, not a secret
    API_TOKEN = "api_token"  # noqa: S105 - the name of a kind, not a secret
    DEVELOPER_TOKEN = "developer_token"  # noqa: S105 - the name of a kind, not a secret
    TRUSTED_ISSUER = "trusted_issuer"
    EXTENSION = "extension"


RECENT: Final = timedelta(minutes=10)
"""How long after a login it is still believed that the person who logged in sits there."""

LOGINS: Final = frozenset({AuthMethod.LOGIN_TOKEN, AuthMethod.SESSION, AuthMethod.PASSWORD})
"""The methods by which a person logs in; the others are made for programs."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An existing, enabled user, and the credential that was presented for it.

    `session_id` is set where a session stands behind it, `token_id` where it is a token;
    `logged_in_at` is when the person logged in, which may be long before a token of the session
    was made; `used_at` is the use before this one, to the minute, where that is remembered;
    `scopes` is None for one that may do all that the user may.
    """

    user_id: str
    method: AuthMethod
    session_id: str | None = None
    token_id: str | None = None
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    scopes: frozenset[str] | None = None
    logged_in_at: datetime | None = None
    used_at: datetime | None = None

    def demand(self, need: str) -> None:
        """Raise Forbidden unless this credential may be used for *need*: a scope, or `LOGIN`."""
        if need == LOGIN:
            if self.method not in LOGINS:
                raise Forbidden(
                    "This needs a login (a session, a login token, or name and password); a token "
                    "made for programs does not do.",
                    code="login_required",
                )
        elif need != ANYTHING and self.scopes is not None and need not in self.scopes:
            raise InsufficientScope(need)

    def demand_recent_login(self, now: datetime) -> None:
        """Raise Forbidden unless the person logged in a short while before *now* (ASVS 7.5.1).

        Name and password are a login by themselves.
        """
        self.demand(LOGIN)
        if self.method is AuthMethod.PASSWORD:
            return
        if self.logged_in_at is None or now - self.logged_in_at > RECENT:
            raise Forbidden(
                "This needs a login of the last ten minutes: log in again, then try once more.",
                code="reauthentication_required",
            )
