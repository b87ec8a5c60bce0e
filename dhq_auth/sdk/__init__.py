"""For the services that are shown our tokens: who is asking, and what that caller may do.

What is asked for here is loaded then, and nothing of the rest of dhq-auth with it. The middlewares
stand in `dhq_auth.sdk.aiohttp` and `dhq_auth.sdk.asgi`.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from dhq_auth.sdk.caller import ANONYMOUS, Caller
    from dhq_auth.sdk.decision import Decision, Denied, Effect, check
    from dhq_auth.sdk.filters import decide
    from dhq_auth.sdk.published import Verifyer, extract_permissions
    from dhq_auth.sdk.remote import Unavailable
    from dhq_auth.sdk.service_token import InvalidToken
    from dhq_auth.sdk.verifier import Verifier

__all__ = [
    "ANONYMOUS",
    "Caller",
    "Decision",
    "Denied",
    "Effect",
    "InvalidToken",
    "Unavailable",
    "Verifier",
    "Verifyer",
    "check",
    "decide",
    "extract_permissions",
]

_HOMES: Final = {
    "ANONYMOUS": "caller",
    "Caller": "caller",
    "Decision": "decision",
    "Denied": "decision",
    "Effect": "decision",
    "InvalidToken": "service_token",
    "Unavailable": "remote",
    "Verifier": "verifier",
    "Verifyer": "published",
    "check": "decision",
    "decide": "filters",
    "extract_permissions": "published",
    "rls": "rls",
    "rows": "rows",
}
"""The module in which each name stands."""


def __getattr__(name: str) -> Any:
    """Load what is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """What is called `rows` or `rls` here is the function, not the module in which it stands."""

    def __setattr__(self, name: str, value: Any) -> None:
        if _HOMES.get(name) == name and isinstance(value, ModuleType):
            value = getattr(value, name)  # as Python sets every submodule, once it is loaded
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
