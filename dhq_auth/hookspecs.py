"""What plugins may implement, and the types that they meet.

An **extension** is a module with any of `on_new_user`, `on_user_login`, `on_user_logout`,
`on_event` and `deliver`. A **permission provider** is a module with `grant(context)`, or with the v1 function
`get_permissions(service, userid)`. Both may have `configure(options)`, which may return the object
that then carries the hooks, so that one module can serve several aliases, and `close()`. Every
function but `configure` may be plain (it then runs in a thread) or `async`; all may be decorated
with `hookimpl` or not. Arguments are passed by name, those of `get_permissions` in their order.

Nothing heavy is imported here, since plugins import it.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

import pluggy

from dhq_auth.events import Event

if TYPE_CHECKING:
    from dhq_auth.db import Db

PROJECT = "dhq_auth"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class UserInfo(TypedDict):
    """A user as plugins see one; `join_date` is RFC 1123 text in GMT."""

    id: str
    idhash: str
    provider_id: str | None
    username: str | None
    name: str | None
    email: str | None
    email_verified: bool
    avatar_url: str | None
    join_date: str
    is_admin: bool


@dataclass(frozen=True, slots=True)
class GrantContext:
    """The question that a permission provider answers.

    `service` is the name that was asked for (the alias); `read` opens a read-only connection to
    the database: `async with context.read() as db`. `scopes` is what the credential that was
    presented is good for (None: all that the user may). With `explain` the caller wants to know
    why, too. What is answered fits into a token if it has at most `room` bytes, as compact JSON in
    ASCII.
    """

    service: str
    user: UserInfo
    read: "Callable[[], AbstractAsyncContextManager[Db]]" = field(repr=False)
    scopes: frozenset[str] | None = None
    explain: bool = False
    room: int = 4096


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer: JSON values by name.

    `permissions` holds `true` only for what is allowed without a condition; `filters` the rest.
    `fresh_for` says how long nobody need ask again, `stale_since` (with a time zone) since when an
    earlier answer stands in for one that could not be had; `/auth/authorize` states both.
    `explanation` says why, where the question has `explain`; it is never part of the token.
    """

    permissions: Mapping[str, Any]
    filters: Mapping[str, Any] | None = None
    fresh_for: timedelta = timedelta(0)
    stale_since: datetime | None = None
    explanation: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Presented:
    """What a caller presents: the `scheme` in lower case (RFC 9110 11.1), and what follows it.

    A token in `Auth-Token` or `jwt` is presented as `bearer`.
    """

    scheme: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CredentialContext:
    """What a kind of credential may look at; `read` opens a read-only connection."""

    presented: Presented
    read: "Callable[[], AbstractAsyncContextManager[Db]]" = field(repr=False)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose credential it is: a user's id, and what it may be used for (None: all)."""

    user_id: str
    scopes: frozenset[str] | None = None
    token_id: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that an extension is to carry on, offered to it until it has.

    `id` and `payload` are the same at every try, so that whoever gets it twice can tell; `attempt`
    begins with 1. The payload is made of JSON values: `type` (the kind of the event), `timestamp`
    (RFC 3339) and `data`. No secret is in it.
    """

    id: str
    kind: str
    attempt: int
    payload: Mapping[str, Any] = field(repr=False)


class NotDelivered(Exception):
    """A delivery did not arrive; the text says why, and is shown to the operator.

    It is tried again, after *retry_after* at the earliest (a day counts at most), or *for_good* not.
    """

    def __init__(
        self, reason: str, *, retry_after: timedelta | None = None, for_good: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.for_good = for_good


class ExtensionSpec:
    """Hooks of extensions: called after the commit, first installed first; failures are logged.

    What an extension changes in its argument, the next one does not see.
    """

    @hookspec
    def configure(self, options: Mapping[str, str]) -> object:
        """Take the variables `EXTENSION_<NAME>_…`, names in lower case, before the start.

        A ValueError says what is wrong with them. What is returned carries the hooks from then on,
        unless it is None. Plain functions only.
        """

    @hookspec
    def on_new_user(self, user_info: UserInfo) -> Awaitable[None] | None:
        """Hear of an account that was made: by a first login, a registration, an administrator."""

    @hookspec
    def on_user_login(self, user_info: UserInfo) -> Awaitable[None] | None:
        """Hear of a session that began; after `on_new_user` where both apply."""

    @hookspec
    def on_user_logout(self, user_info: UserInfo) -> Awaitable[None] | None:
        """Hear of a session that was ended, or once of all those of a user that were."""

    @hookspec
    def on_event(self, event: Event) -> Awaitable[None] | None:
        """Hear of every event, those above included."""

    @hookspec
    def subscribes(self, kind: str) -> bool:  # type: ignore[empty-body]
        """Say whether `deliver` wants events of *kind*; without this hook it gets all.

        Asked once for each kind, before the start. Plain functions only.
        """

    @hookspec
    def deliver(self, delivery: Delivery) -> Awaitable[None] | None:
        """Carry *delivery* on, within DELIVERY_TIMEOUT; it is kept in the database until then.

        Any exception means that it did not arrive and is tried again, up to ten times in four days;
        `NotDelivered` can say why and when. It may come twice, and never is lost: not by the end of
        the process either.
        """

    @hookspec
    def close(self) -> Awaitable[None] | None:
        """Close what was opened, at the end of the service."""


class CredentialSpec:
    """Hooks of kinds of credentials, which CREDENTIALS names."""

    @hookspec
    def configure(self, options: Mapping[str, str]) -> object:
        """Take the variables `EXTENSION_<NAME>_…`, names in lower case, before the start.

        A ValueError says what is wrong with them. What is returned carries the hooks from then on,
        unless it is None. Plain functions only.
        """

    @hookspec
    def authenticate(
        self, context: CredentialContext
    ) -> Awaitable[Subject | None] | Subject | None:
        """Say whose credential is presented; None: not of this kind, ask the next.

        `InvalidCredential` says that it is of this kind and does not hold: nobody else is asked.
        Any other exception ends the request with an error.
        """

    @hookspec
    def close(self) -> Awaitable[None] | None:
        """Close what was opened, at the end of the service."""


class ProviderSpec:
    """Hooks of permission providers."""

    @hookspec
    def configure(self, options: Mapping[str, str]) -> object:
        """Take the variables `PROVIDER_<ALIAS>_…`, names in lower case, before the start.

        A ValueError says what is wrong with them. What is returned carries the hooks from then on,
        unless it is None. Plain functions only.
        """

    @hookspec
    def grant(self, context: GrantContext) -> Awaitable[Grant] | Grant:  # type: ignore[empty-body]
        """Say what the user may do in the service. An exception means: no token."""

    @hookspec
    def close(self) -> Awaitable[None] | None:
        """Close what was opened, at the end of the service."""
