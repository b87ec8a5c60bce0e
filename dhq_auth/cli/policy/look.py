"""`dhq-auth policy list`."""

import asyncio
from typing import Annotated

import typer

from dhq_auth.cli.opened import opened
from dhq_auth.cli.output import Json, print_json
from dhq_auth.cli.policy.record import record_of
from dhq_auth.cli.table import print_table
from dhq_auth.policies.document import toml_of
from dhq_auth.policies.explain import fault_of
from dhq_auth.policies.store import Policy, all_policies
from dhq_auth.settings import Settings, from_environ


def list_policies(
    *,
    service: Annotated[str | None, typer.Option(help="Only those of this service.")] = None,
    table: Annotated[str | None, typer.Option(help="Only those for this table.")] = None,
    action: Annotated[str | None, typer.Option(help="Only those for this action.")] = None,
    toml: Annotated[
        bool, typer.Option("--toml", help="As a file that `diff`, `apply` and `test` take.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the policies, by service, table and action. `apply` takes the JSON, too."""
    if toml and as_json:
        raise typer.BadParameter("give --toml or --json.")
    wanted = {"service": service, "table_name": table, "action": action}
    found = [
        policy
        for policy in asyncio.run(stored(from_environ()))
        if all(value in (None, getattr(policy, name)) for name, value in wanted.items())
    ]
    if as_json:
        print_json({"items": [record_of(policy) for policy in found]})
    elif toml:
        typer.echo(toml_of(found), nl=False)
    else:
        _print(found)


async def stored(settings: Settings) -> list[Policy]:
    """Return every policy of the database."""
    async with opened(settings) as database, database.read() as db:
        return await all_policies(db)


def _print(found: list[Policy]) -> None:
    columns = ("id", "service", "table_name", "action", "expression", "description")
    rows = [
        [*(getattr(policy, name) for name in columns), "faulty" if fault_of(policy) else None]
        for policy in found
    ]
    print_table(("id", "service", "table", "action", "expression", "description", ""), rows)
