"""Telling PostgreSQL who asks, for the row-level security that `dhq-auth policy rls` prints.

What is set holds until the end of the transaction, and no longer: the next user of a pooled
connection is nobody until it is said who he is.
"""

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from dhq_auth.sdk.caller import Caller
from dhq_auth.sdk.decision import Action, check_action
from dhq_auth.sdk.filters import VERSION, AskServer

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

SETTINGS: Final = ("user_id", "username", "email", "is_admin", "action")
"""What is told, each as the setting `dhq_auth.<name>`; empty is NULL."""
PREFIX: Final = "dhq_auth."
_PLACEHOLDERS: Final = {"numeric": "${}", "format": "%s"}


class NotEnforced(Exception):
    """PostgreSQL would not hold this connection to the policies."""


@overload
def rls(
    connection: "Connection", caller: Caller | Mapping[str, Any], action: Action = "read"
) -> None: ...
@overload
def rls(
    connection: "AsyncConnection", caller: Caller | Mapping[str, Any], action: Action = "read"
) -> Awaitable[None]: ...
def rls(
    connection: Any, caller: Caller | Mapping[str, Any], action: Action = "read"
) -> Awaitable[None] | None:
    """Tell PostgreSQL that *caller* does *action*, until the end of the transaction at hand.

    *connection* is one of SQLAlchemy (2.x), with a transaction begun; await the result if it is an
    AsyncConnection. *caller* is what Verifier returns, or the claims of a service token that was
    verified otherwise. Do one action in a transaction, or say each before it is done: reading what
    one may only create is possible under `create`.

    Raises NotEnforced outside of a transaction, and where the role that is connected is exempt from
    policies; AskServer if the token had no room for what the policies ask of the caller; ValueError
    for an action or claims that are not known.
    """
    if hasattr(connection, "run_sync"):
        waiting: Awaitable[None] = connection.run_sync(_tell, _values(caller, action))
        return waiting
    _tell(connection, _values(caller, action))
    return None


def rls_sql(
    caller: Caller | Mapping[str, Any],
    action: Action = "read",
    style: Literal["numeric", "format"] = "numeric",
) -> tuple[str, list[str]]:
    """Return the statement that tells PostgreSQL the same, and its parameters in order.

    *style* is that of the parameters: `numeric` (`$1`) for asyncpg, `format` (`%s`) for psycopg.
    Execute it in the transaction: outside of one it has no effect on what follows, which then sees
    nobody. Raises as `rls` does, except that whether policies hold for the role is not looked at.
    """
    placeholder = _PLACEHOLDERS[style]
    names = enumerate(SETTINGS, start=1)
    calls = (f"set_config('{PREFIX}{name}', {placeholder.format(n)}, true)" for n, name in names)
    return f"SELECT {', '.join(calls)}", list(_values(caller, action).values())


def _tell(connection: "Connection", values: Mapping[str, str]) -> None:
    from sqlalchemy import text  # noqa: PLC0415 - who has asyncpg alone needs none of it

    dialect = connection.dialect
    if dialect.name != "postgresql":
        raise NotEnforced(f"{dialect.name} has no row-level security; use rows()")
    driver: Any = connection.connection.dbapi_connection
    if not connection.in_transaction() or dialect.detect_autocommit_setting(driver):
        raise NotEnforced("begin a transaction first: who asks is forgotten at its end")
    calls = (f"set_config('{PREFIX}{name}', :{name}, true)" for name in values)
    exempt = "(SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)"
    if connection.execute(text(f"SELECT {exempt}, {', '.join(calls)}"), values).scalar():
        raise NotEnforced(
            "the role that is connected is a superuser or has BYPASSRLS: no policy holds for it"
        )


def _values(caller: Caller | Mapping[str, Any], action: str) -> dict[str, str]:
    check_action(action)
    if isinstance(caller, Caller):
        user_id, filters = caller.user_id, caller.filters
    else:
        user_id, filters = caller.get("sub", caller.get("userid")), caller.get("filters")
        if user_id is None or caller.get("userid", user_id) != user_id:
            raise ValueError("the claims do not say whose they are")
    told = {} if filters is None or user_id is None else _told(filters)
    is_admin = told.get("is_admin", False)
    if not isinstance(is_admin, bool):
        raise ValueError("is_admin is true or false")
    texts = {"user_id": user_id, "username": told.get("username"), "email": told.get("email")}
    return {
        **{name: _text(name, value) for name, value in texts.items()},
        "is_admin": "true" if is_admin else "false",
        "action": action,
    }


def _told(filters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the claim *filters* says of the caller beside the id."""
    if filters.get("v") != VERSION:
        raise ValueError("the claim filters is of a version that is not known")
    if filters.get("ask") and "user" not in filters:
        raise AskServer
    told = filters.get("user", {})
    if not isinstance(told, Mapping):
        raise ValueError("the claim filters does not say who asks")
    return told


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError(f"the {name} is no text that PostgreSQL takes")
    return value
