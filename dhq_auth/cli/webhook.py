"""`dhq-auth webhook`: what extensions are to deliver, and what became of it."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from dhq_auth.cli.opened import opened, working
from dhq_auth.cli.outcome import Refused
from dhq_auth.cli.output import Json, note, print_json
from dhq_auth.cli.table import print_table
from dhq_auth.events import Source
from dhq_auth.outbox import store
from dhq_auth.settings import Settings, from_environ
from dhq_auth.work import Transaction

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def webhook() -> None:
    """See what extensions such as `webhook` are to deliver, and try it again."""


@app.command("list")
def list_deliveries(
    *,
    pending: Annotated[bool, typer.Option("--pending", help="Only what is owed.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only what was given up.")] = False,
    delivered: Annotated[bool, typer.Option("--delivered", help="Only what arrived.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The newest so many.")] = 1000,
    as_json: Json = False,
) -> None:
    """List the deliveries, the newest first: how often each was tried, why it failed, when next."""
    asked = {"pending": pending, "failed": failed, "delivered": delivered}
    states = [state for state, wanted in asked.items() if wanted]
    if len(states) > 1:
        raise typer.BadParameter("give one of --pending, --failed and --delivered, or none.")
    rows = asyncio.run(_newest(from_environ(), limit + 1, states[0] if states else None))
    items, more = [_item(row) for row in rows[:limit]], len(rows) > limit
    if as_json:
        print_json({"items": items, "more": more})
        return
    columns = ("id", "extension", "kind", "made_at", "state", "attempts", "due_at", "error")
    names = ("id", "extension", "event", "made", "state", "tries", "next try", "last error")
    print_table(names, [[item[column] for column in columns] for item in items])
    if more:
        note("there are more: --limit")


@app.command()
def retry(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Which ones; see `webhook list`.")
    ] = None,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="All that were given up.")] = False,
    as_json: Json = False,
) -> None:
    """Let deliveries be tried now, and as often as new ones; one that arrived is sent once more."""
    if failed == bool(ids):
        raise typer.BadParameter("give IDs or --failed.")
    again = asyncio.run(_retry(from_environ(), ids or ()))
    if as_json:
        print_json({"retried": again})
    else:
        typer.echo(f"to be tried: {len(again)}")


async def _newest(settings: Settings, limit: int, state: str | None) -> list[dict[str, Any]]:
    async with opened(settings) as database, database.read() as db:
        return await store.newest(db, limit, state)


async def _retry(settings: Settings, ids: Sequence[str]) -> list[str]:
    async def again(tx: Transaction) -> list[str]:
        found = await store.retry(tx.db, tx.now, ids=ids, failed=not ids)
        if unknown := [each for each in ids if each not in found]:
            raise Refused(f"there is no delivery {unknown[0]!r}")
        return sorted(found)

    if not all(each.isascii() and each.isprintable() for each in ids):
        raise Refused("ids of deliveries are letters and digits")
    async with working(settings) as work:
        return await work.transact(Source(), again)


def _item(row: dict[str, Any]) -> dict[str, Any]:
    state = next(name for name, column in _ENDS.items() if row[column] is not None)
    tried_at = row["tried_at"] if row["attempts"] else None
    shown = {"id": row["id"], "extension": row["destination"], "kind": row["kind"], "state": state}
    rest = ("made_at", "attempts", "due_at", "delivered_at", "given_up_at", "error", "payload")
    return {**shown, "tried_at": tried_at, **{name: row[name] for name in rest}}


_ENDS = {"delivered": "delivered_at", "failed": "given_up_at", "pending": "due_at"}
