"""dhq-auth: a small, fast, self-hosted identity service.

What plugins need stands here, and is loaded when it is asked for: importing `dhq_auth` itself
costs nothing, and loads neither aiohttp nor SQLAlchemy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from dhq_auth.events import (
        CodeReplayed,
        Event,
        IdentityLinked,
        LoggedIn,
        LoggedOut,
        LoginRefused,
        Source,
        UserCreated,
        UserEvent,
        UsernameChosen,
    )
    from dhq_auth.hookspecs import Grant, GrantContext, UserInfo, hookimpl

__all__ = [
    "CodeReplayed",
    "Event",
    "Grant",
    "GrantContext",
    "IdentityLinked",
    "LoggedIn",
    "LoggedOut",
    "LoginRefused",
    "Source",
    "UserCreated",
    "UserEvent",
    "UserInfo",
    "UsernameChosen",
    "hookimpl",
]

_IN_HOOKSPECS: Final = frozenset({"Grant", "GrantContext", "UserInfo", "hookimpl"})


def __getattr__(name: str) -> Any:
    """Load what plugins need, when they need it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "dhq_auth.hookspecs" if name in _IN_HOOKSPECS else "dhq_auth.events"
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
