"""One class per fact worth remembering: audited with the change, announced after the commit.

`kind` is the stable name in the audit log and for `on_event`; the fields are its detail. None of
them is ever a secret, a token or a password.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final

OPERATOR: Final = "operator"
"""The actor of whatever is done at the command line."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a change comes from: the request's peer and id, and who did it.

    `actor` is the id of the user who was signed in, or OPERATOR; None for a login, a registration,
    or whoever holds a secret without being signed in.
    """

    address: str | None = None
    request_id: str | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact about one user (`user_id` is None where nobody is known).

    `source` is known once the change is committed.
    """

    kind: ClassVar[str]
    user_id: str | None
    source: Source = field(default=Source(), metadata={"audited": False})

    @property
    def detail(self) -> dict[str, Any]:
        """What is to be remembered beside kind and user."""
        return {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name != "user_id" and f.metadata.get("audited", True)
        }


def kinds() -> frozenset[str]:
    """Return the kinds of all events that there are."""

    def below(event: type[Event]) -> set[str]:
        own = {event.kind} if hasattr(event, "kind") else set()
        return own.union(*map(below, event.__subclasses__()))

    return frozenset(below(Event))


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEvent(Event):
    """A fact of which extensions hear by a hook of its own, with the user as it then was."""

    hook: ClassVar[str]
    user_info: Mapping[str, Any] = field(repr=False, metadata={"audited": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCreated(UserEvent):
    """An account was made: by a first login, a registration, an administrator or a command."""

    kind = "user.created"
    hook = "on_new_user"
    provider: str
    is_admin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn(UserEvent):
    """A session began."""

    kind = "login.succeeded"
    hook = "on_user_login"
    provider: str
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRefused(Event):
    """A login ended without a session; `reason` is one of our own words.

    Where there were too many attempts it is told once in each window, not for each.
    """

    kind = "login.refused"
    provider: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOut(UserEvent):
    """A session, or with `everywhere` every session of a user, ended."""

    kind = "logout"
    hook = "on_user_logout"
    session_id: str | None
    everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationEntered(Event):
    """A session got a branch for an application on another host, behind a proxy."""

    kind = "application.entered"
    session_id: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationLeft(Event):
    """Somebody signed out of an application on another host; the session itself may go on."""

    kind = "application.left"
    session_id: str
    origin: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(Event):
    """A password was set in place of another, or as the first: `by` the `user` or an `operator`."""

    kind = "password.changed"
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMade(Event):
    """A user made an API token or, with `developer`, the developer token."""

    kind = "token.made"
    token_id: str
    developer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked(Event):
    """An API token was ended, or one service token that somebody found.

    `how` says why: `revoked`, `replaced` (a developer token), `leaked`, `everywhere`,
    `password_changed`, `user_disabled`, `user_deleted`.
    """

    kind = "token.revoked"
    token_id: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged(Event):
    """An account was changed; `changes` names the fields, `by` who did it, where that is known."""

    kind = "user.changed"
    changes: tuple[str, ...]
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeleted(Event):
    """An account was deleted, and all that was its own with it."""

    kind = "user.deleted"
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAdded(Event):
    """A policy was made; `user_id` is who did it, None at the command line."""

    kind = "policy.added"
    policy_id: str
    service: str
    table_name: str
    action: str
    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChanged(Event):
    """A policy was changed; it is told as it is now, and in `before` what it said and was for."""

    kind = "policy.changed"
    policy_id: str
    service: str
    table_name: str
    action: str
    expression: str
    before: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDeleted(Event):
    """A policy was deleted; it is told as it was."""

    kind = "policy.deleted"
    policy_id: str
    service: str
    table_name: str
    action: str
    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupDone(Event):
    """The first administrator, `user_id`, was made by the setup."""

    kind = "setup.done"


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionsGranted(Event):
    """A user was granted something in a service, for the first time or other than before.

    `permissions` are the names of what is granted without a condition, the first hundred of them;
    `digest` is the SHA-256 of all of it, as compact JSON with sorted keys.
    """

    kind = "permissions.granted"
    service: str
    permissions: tuple[str, ...]
    has_filters: bool
    digest: str
    first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAnnounced(Event):
    """A key was made that will sign `purpose` tokens (`login`, `service`) from `signs_from` on."""

    kind = "key.announced"
    key_id: str
    purpose: str
    signs_from: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevoked(Event):
    """A key was revoked, and all tokens that it signed; `successor` signs in its place."""

    kind = "key.revoked"
    key_id: str
    purpose: str
    successor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDeleted(Event):
    """The private half of a key was deleted: the last token that it signed has expired."""

    kind = "key.deleted"
    key_id: str
    purpose: str
