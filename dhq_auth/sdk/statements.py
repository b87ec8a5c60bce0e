"""Statements of SQLAlchemy (2.x) that reach no other rows than a decision allows."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.sql.selectable import AliasedReturnsRows, FromClause, Join, TableClause

from dhq_auth.sdk.condition import condition
from dhq_auth.sdk.decision import Decision, Effect
from dhq_auth.sdk.evaluate import MissingColumn


class Narrowable(Protocol):
    """What a condition can be added to."""

    def where(self, *conditions: Any) -> Self:
        """Return it with *conditions*."""


Statement = TypeVar("Statement", bound=Narrowable)

_ACTIONS: Final = ((sa.Update, ("update",)), (sa.Delete, ("delete",)))


def rows(
    statement: Statement,
    decision: Decision,
    *,
    table: Any = None,
    types: Mapping[str, str] | None = None,
) -> Statement:
    """Return *statement*, a select, an update or a delete, as it reaches the rows of *decision*.

    Nothing allowed is no rows. *table* says whose columns the policy means, as a table, an alias or
    a mapped class, and must be among those that the statement is about; it may be left out where
    there is one alone. *types* names the types of columns for which their declared type does not
    speak (`{"user_id": "uuid"}`; `dhq_auth.sdk.column_types.TYPES`). What an update writes must be
    looked at besides: `check`.

    Raises MissingColumn if the table lacks a column of the condition, ValueError if the decision is
    about something else than the statement does, or it is not clear which table is meant, TypeError
    for what is no such statement. Of none of these may be made a yes.
    """
    _check_action(statement, decision)
    target = _target(statement, table)
    if decision.effect is Effect.ALLOW:
        return statement
    if decision.effect is Effect.DENY or decision.tree is None:
        return statement.where(sa.false())
    where = condition(decision.tree, lambda name: _column(target, name), types or {})
    return statement.where(where)


def _check_action(statement: object, decision: Decision) -> None:
    if not isinstance(statement, sa.Select | sa.Update | sa.Delete):
        raise TypeError(f"rows() narrows a select, an update or a delete; not {type(statement)}")
    if decision.action == "create":
        raise ValueError("a row that is made is not chosen among others: use check()")
    for kind, actions in _ACTIONS:
        if isinstance(statement, kind) and decision.action not in actions:
            raise ValueError(f"the decision is about {decision.action}, the statement is not")


def _target(statement: Any, table: Any) -> FromClause:
    """Return the table whose rows *statement* is about."""
    if isinstance(statement, sa.Select):
        found = {each: each for whole in statement.get_final_froms() for each in _parts(whole)}
    else:
        found = {statement.table: statement.table}
    if table is not None:
        wanted = _selectable(table)
        if wanted not in found:
            raise ValueError(f"the statement is not about {wanted}: its rows would all be there")
        return wanted
    tables = [each for each in found if not isinstance(each, Join)]
    if len(tables) != 1 or not _is_plain(tables[0]):
        raise ValueError(f"the statement is about {len(tables)} tables or queries: say table=…")
    return tables[0]


def _is_plain(found: object) -> bool:
    """Say whether the rows of *found* are those of a table, under its own name or another."""
    while isinstance(found, AliasedReturnsRows):
        found = found.element
    return isinstance(found, TableClause)


def _selectable(table: Any) -> FromClause:
    try:
        selectable = sa.inspect(table).selectable
    except (NoInspectionAvailable, AttributeError):
        selectable = None
    if not isinstance(selectable, FromClause):
        raise TypeError(f"{table!r} is no table, no alias and no mapped class")
    return selectable


def _parts(whole: Any) -> Iterator[FromClause]:
    """Give *whole*, and the tables that it joins."""
    yield whole
    if isinstance(whole, Join):
        yield from _parts(whole.left)
        yield from _parts(whole.right)


def _column(table: FromClause, name: str) -> sa.ColumnElement[Any]:
    """Return the column that the database calls *name*."""
    found = [column for column in table.columns if column.name == name]
    if len(found) != 1:
        many = "several columns" if found else "no column"
        raise MissingColumn(f"{table} has {many} {name}, of which the policy speaks")
    return found[0]
