"""dhq-auth: a small, fast, self-hosted identity service.

What plugins need stands here, and is loaded when it is asked for: importing `dhq_auth` itself
costs nothing, and loads neither aiohttp nor SQLAlchemy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from dhq_auth.errors import InvalidCredential
    from dhq_auth.events import (
        ApplicationEntered,
        ApplicationLeft,
        CodeReplayed,
        Event,
        IdentityLinked,
        KeyAnnounced,
        KeyDeleted,
        KeyRevoked,
        LoggedIn,
        LoggedOut,
        LoginRefused,
        PasswordChanged,
        PermissionsGranted,
        PolicyAdded,
        PolicyChanged,
        PolicyDeleted,
        SetupDone,
        Source,
        TokenMade,
        TokenRevoked,
        UserChanged,
        UserCreated,
        UserDeleted,
        UserEvent,
        UsernameChosen,
    )
    from dhq_auth.hookspecs import (
        CredentialContext,
        Delivery,
        Grant,
        GrantContext,
        NotDelivered,
        Presented,
        Subject,
        UserInfo,
        hookimpl,
    )

__all__ = [
    "ApplicationEntered",
    "ApplicationLeft",
    "CodeReplayed",
    "CredentialContext",
    "Delivery",
    "Event",
    "Grant",
    "GrantContext",
    "IdentityLinked",
    "InvalidCredential",
    "KeyAnnounced",
    "KeyDeleted",
    "KeyRevoked",
    "LoggedIn",
    "LoggedOut",
    "LoginRefused",
    "NotDelivered",
    "PasswordChanged",
    "PermissionsGranted",
    "PolicyAdded",
    "PolicyChanged",
    "PolicyDeleted",
    "Presented",
    "SetupDone",
    "Source",
    "Subject",
    "TokenMade",
    "TokenRevoked",
    "UserChanged",
    "UserCreated",
    "UserDeleted",
    "UserEvent",
    "UserInfo",
    "UsernameChosen",
    "hookimpl",
]

_HOMES: Final = {
    "InvalidCredential": "errors",
    "CredentialContext": "hookspecs",
    "Delivery": "hookspecs",
    "Grant": "hookspecs",
    "GrantContext": "hookspecs",
    "NotDelivered": "hookspecs",
    "Presented": "hookspecs",
    "Subject": "hookspecs",
    "UserInfo": "hookspecs",
    "hookimpl": "hookspecs",
}
"""Where what is no event stands."""


def __getattr__(name: str) -> Any:
    """Load what plugins need, when they need it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES.get(name, "events")
    return getattr(import_module(f"dhq_auth.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
