"""`dhq-auth audit`: what was remembered of logins and changes."""

import asyncio
import json
from typing import Annotated, Any

import typer

from dhq_auth.audit import store
from dhq_auth.cli.opened import opened
from dhq_auth.cli.output import Json, print_json
from dhq_auth.cli.table import print_table
from dhq_auth.settings import Settings, from_environ

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def audit() -> None:
    """Read the audit log: every login, refusal and change, written with the change itself."""


@app.command("list")
def list_events(
    *,
    user: Annotated[
        str | None, typer.Option(metavar="ID", help="Only what concerns this user.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="Only this kind, or all that begin with it: login.refused, login."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The newest so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List what happened, the newest first. What concerns a user outlives the account."""
    events = asyncio.run(_latest(from_environ(), limit, user, kind))
    if as_json:
        print_json({"items": events})
        return
    columns = ("at", "kind", "user_id", "address", "request_id", "detail")
    rows = [[*(event[name] for name in columns[:-1]), _brief(event["detail"])] for event in events]
    print_table(("time", "kind", "user", "address", "request", "detail"), rows)


async def _latest(
    settings: Settings, limit: int, user: str | None, kind: str | None
) -> list[dict[str, Any]]:
    async with opened(settings) as database, database.read() as db:
        return await store.latest(db, limit, user_id=user, kind=kind)


def _brief(detail: Any) -> str:
    if not isinstance(detail, dict):
        return json.dumps(detail)
    return " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in detail.items()
    )
