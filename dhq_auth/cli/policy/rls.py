"""`dhq-auth policy rls`."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from dhq_auth.cli.opened import opened
from dhq_auth.cli.outcome import Refused
from dhq_auth.cli.output import Json, note, print_json
from dhq_auth.policies.postgresql import NotExpressible
from dhq_auth.policies.resolve import candidates
from dhq_auth.policies.rls import TableSecurity, questions, table_security
from dhq_auth.policies.store import ALL, Key, Policy
from dhq_auth.sdk.column_types import TYPES
from dhq_auth.settings import Settings, from_environ

_ABOUT_CASTS = f"The type of a column that is no text: {', '.join(TYPES)}. Again for each column."


def rls(
    *,
    table: Annotated[str, typer.Option(metavar="T", help="The table, as policies call it.")],
    service: Annotated[str, typer.Option(help="The service whose table it is.")] = ALL,
    schema: Annotated[
        str | None, typer.Option(help="The schema of the table in PostgreSQL.")
    ] = None,
    cast: Annotated[
        list[str] | None, typer.Option("--cast", metavar="COLUMN=TYPE", help=_ABOUT_CASTS)
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the policies on a table as row-level security of PostgreSQL, for its owner to run.

    The database of the application is not touched. Run what is printed again after each change of
    the policies: `dhq-auth policy rls --table notes | psql -v ON_ERROR_STOP=1 app`.
    """
    casts = _casts(cast or [])
    there = asyncio.run(_there(from_environ(), table, service))
    try:
        security = table_security(there, table, service, schema=schema, casts=casts)
    except NotExpressible as error:
        raise Refused(str(error)) from error
    if as_json:
        print_json(_record(security))
    else:
        typer.echo(security.script(), nl=False)
    _warn(security)


def _casts(given: list[str]) -> dict[str, str]:
    casts: dict[str, str] = {}
    for each in given:
        column, equals, name = each.partition("=")
        if not equals or column in casts:
            raise typer.BadParameter(f"{each!r} is not COLUMN=TYPE, once for each column.")
        if name not in TYPES:
            raise typer.BadParameter(f"a type is one of {', '.join(TYPES)}; not {name!r}.")
        casts[column] = name
    return casts


async def _there(settings: Settings, table: str, service: str) -> Mapping[Key, Policy]:
    async with opened(settings) as database, database.read() as db:
        return await candidates(db, *questions(table, service))


def _record(security: TableSecurity) -> dict[str, Any]:
    rules = {
        action: {
            "policy_id": rule.policy.id if rule.policy else None,
            "fault": str(rule.fault) if rule.fault else None,
            "condition": rule.condition,
        }
        for action, rule in security.rules.items()
    }
    return {
        "service": security.service,
        "table": security.table,
        "rules": rules,
        "statements": list(security.statements),
        "script": security.script(),
    }


def _warn(security: TableSecurity) -> None:
    """Say what the operator may not have meant."""
    for action, rule in security.rules.items():
        if rule.policy is None:
            note(f"{action}: no policy is for this, so it is denied")
        elif rule.fault:
            note(f"{action}: policy {rule.policy.id} cannot be read, so it denies: {rule.fault}")
    for column in security.idle_casts:
        note(f"--cast {column}: no policy on this table speaks of that column")
