"""Two ways to hold a service to the decisions of dhq-auth; one of them is enough."""

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from dhq_auth.sdk import Caller, Decision, Denied, check, rls, rows
from dhq_auth.sdk.decision import Action

INSUFFICIENT_PRIVILEGE = "42501"
"""What PostgreSQL answers (SQLSTATE) when a row that is written breaks a policy."""


class Guard(Protocol):
    """Stands between what was asked for and the rows."""

    async def begin(self, db: AsyncConnection, caller: Caller, action: Action) -> None:
        """Prepare the transaction of *db* for what *caller* wants to do."""

    def narrowed(self, statement: Any, decision: Decision) -> Any:
        """Return *statement* as it reaches the rows that it may."""

    def written(self, row: Mapping[str, Any], decision: Decision) -> None:
        """Raise Denied unless *row*, as it was written, may be so; the transaction ends with it."""


class Filters:
    """Every statement carries the condition; what was written is looked at before the commit."""

    async def begin(self, db: AsyncConnection, caller: Caller, action: Action) -> None:
        """Do nothing: the condition is in the statements."""

    def narrowed(self, statement: Any, decision: Decision) -> Any:
        """Add the condition on the rows that are there."""
        return rows(statement, decision)

    def written(self, row: Mapping[str, Any], decision: Decision) -> None:
        """Check the row by the condition on rows that are written."""
        check(row, decision)


class RowLevelSecurity:
    """PostgreSQL knows the rules (`dhq-auth policy rls`); it is told who asks."""

    async def begin(self, db: AsyncConnection, caller: Caller, action: Action) -> None:
        """Tell it, until the end of the transaction."""
        await rls(db, caller, action)

    def narrowed(self, statement: Any, decision: Decision) -> Any:  # noqa: ARG002 - a Guard's
        """Leave the statement as it is."""
        return statement

    def written(self, row: Mapping[str, Any], decision: Decision) -> None:
        """Do nothing: PostgreSQL has looked at it."""


def denied(error: DBAPIError, caller: Caller) -> Denied | None:
    """Return the refusal that *error* of PostgreSQL is, None if it is something else."""
    if getattr(error.orig, "sqlstate", None) != INSUFFICIENT_PRIVILEGE:
        return None
    return Denied("The row may not be written like this.", anonymous=not caller.is_authenticated)
