"""For the services that are shown our tokens: who is asking, and what that caller may do.

What is asked for here is loaded then, and nothing of the rest of dhq-auth with it. The middlewares
stand in `dhq_auth.sdk.aiohttp` and `dhq_auth.sdk.asgi`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from dhq_auth.sdk.caller import ANONYMOUS, Caller
    from dhq_auth.sdk.decision import Decision, Denied, Effect, check
    from dhq_auth.sdk.evaluate import MissingColumn
    from dhq_auth.sdk.filters import decide
    from dhq_auth.sdk.published import Verifyer, extract_permissions
    from dhq_auth.sdk.remote import Unavailable
    from dhq_auth.sdk.row_security import NotEnforced, rls, rls_sql
    from dhq_auth.sdk.service_token import InvalidToken
    from dhq_auth.sdk.statements import rows
    from dhq_auth.sdk.verifier import Verifier

__all__ = [
    "ANONYMOUS",
    "Caller",
    "Decision",
    "Denied",
    "Effect",
    "InvalidToken",
    "MissingColumn",
    "NotEnforced",
    "Unavailable",
    "Verifier",
    "Verifyer",
    "check",
    "decide",
    "extract_permissions",
    "rls",
    "rls_sql",
    "rows",
]

_HOMES: Final = {
    "ANONYMOUS": "caller",
    "Caller": "caller",
    "Decision": "decision",
    "Denied": "decision",
    "Effect": "decision",
    "InvalidToken": "service_token",
    "MissingColumn": "evaluate",
    "NotEnforced": "row_security",
    "Unavailable": "remote",
    "Verifier": "verifier",
    "Verifyer": "published",
    "check": "decision",
    "decide": "filters",
    "extract_permissions": "published",
    "rls": "row_security",
    "rls_sql": "row_security",
    "rows": "statements",
}
"""The module in which each name stands."""


def __getattr__(name: str) -> Any:
    """Load what is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
