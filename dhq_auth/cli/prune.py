"""`dhq-auth prune`: what is over is forgotten now, not within the next minute."""

import asyncio
from collections.abc import Mapping

import typer

from dhq_auth import housekeeping
from dhq_auth.cli.opened import working
from dhq_auth.cli.outcome import REFUSED
from dhq_auth.cli.output import Json, note, print_json
from dhq_auth.cli.table import print_table
from dhq_auth.errors import AuthError
from dhq_auth.settings import Settings, from_environ

app = typer.Typer(add_completion=False)


@app.command()
def prune(*, as_json: Json = False) -> None:
    """Forget what is over: logins under way, codes, sessions, tokens, revocations, deliveries.

    The service does so itself, once a minute; this is for who has kept it off for long, or cannot
    wait. It may run beside the service.
    """
    forgotten, faults = asyncio.run(_prune(from_environ()))
    if as_json:
        print_json({"forgotten": forgotten, "faults": faults})
    else:
        print_table(("table", "rows"), forgotten.items())
    for table, fault in faults.items():
        note(f"{table}: {fault}")
    if faults:
        raise typer.Exit(REFUSED)


async def _prune(settings: Settings) -> tuple[Mapping[str, int], Mapping[str, str]]:
    """Return for each table how many rows went, or why they could not."""
    forgotten: dict[str, int] = {}
    faults: dict[str, str] = {}
    async with working(settings) as work:
        for table, forget in housekeeping.rules(settings).items():
            try:
                forgotten[table] = await housekeeping.prune(work, forget)
            except AuthError as error:
                faults[table] = str(error)
    return forgotten, faults
