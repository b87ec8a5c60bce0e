"""`dhq-auth audit export`."""

import asyncio
import json

import typer

from dhq_auth.audit.inspect import PAGE
from dhq_auth.audit.sealed import store
from dhq_auth.audit.store import Wanted
from dhq_auth.cli.audit.wanted import PATIENCE, Kind, Since, Until, User
from dhq_auth.cli.opened import opened
from dhq_auth.cli.output import Json, note
from dhq_auth.settings import Settings, from_environ


def export(
    *,
    user: User = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Print the sealed rows, the oldest first, each a line of JSON with its place in the chain.

    `audit verify --file` checks what is printed, anywhere, without the database.
    """
    wanted = Wanted(user_id=user, kind=kind, since=since, until=until)
    waiting = asyncio.run(_export(from_environ(), wanted, whole=as_json))
    if waiting:
        note(f"not sealed yet, so not in the export: {waiting}")


async def _export(settings: Settings, wanted: Wanted, *, whole: bool) -> int:
    """Print the rows, with *whole* as one document; return how many are not sealed yet."""
    position, first = 0, True
    async with opened(settings) as database, database.patient(PATIENCE) as patient:
        if whole:
            typer.echo('{"items": [', nl=False)
        while True:
            async with patient.read() as db:
                rows = await store.exported(db, position, PAGE, wanted)
                waiting, _ = await store.waiting(db)
            for row in rows:
                if whole:
                    typer.echo("\n" if first else ",\n", nl=False)
                typer.echo(json.dumps(row), nl=not whole)
                first = False
            if len(rows) < PAGE:
                break
            position = rows[-1]["position"]
        if whole:
            typer.echo("\n]}")
    return waiting
