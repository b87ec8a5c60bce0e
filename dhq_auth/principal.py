"""Who is asking, once a credential has been believed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AuthMethod(StrEnum):
    """How the principal proved who it is."""

    LOGIN_TOKEN = "login_token"  # noqa: S105 - the name of a kind, not a secret
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Principal:
    """An existing, enabled user, and the credential that was presented for it."""

    user_id: str
    method: AuthMethod
    session_id: str
    token_id: str | None = None
    expires_at: datetime | None = None
