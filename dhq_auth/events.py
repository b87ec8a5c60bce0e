"""One class per fact worth remembering: audited with the change, announced after the commit.

`kind` is the stable name in the audit log and for `on_event`; the fields are its detail. None of
them is ever a secret, a token or a password.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact about one user (`user_id` is None where nobody is known)."""

    kind: ClassVar[str]
    user_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCreated(Event):
    """A person was seen for the first time."""

    kind = "user.created"
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn(Event):
    """A session began."""

    kind = "login.succeeded"
    provider: str
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRefused(Event):
    """A login ended without a session; `reason` is one of our own words."""

    kind = "login.refused"
    provider: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOut(Event):
    """A session, or with `everywhere` all of a user's sessions and tokens, ended."""

    kind = "logout"
    session_id: str | None
    everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLinked(Event):
    """An account gained another way in; `how` says why we believed it."""

    kind = "identity.linked"
    provider: str
    issuer: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsernameChosen(Event):
    """A user took a username, once and for all."""

    kind = "username.chosen"
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeReplayed(Event):
    """A one-time login code came a second time: its session was ended."""

    kind = "login.code_replayed"
    session_id: str
