"""`dhq-auth audit list`."""

import asyncio
import json
from typing import Annotated, Any

import typer

from dhq_auth.audit import store
from dhq_auth.audit.store import Wanted
from dhq_auth.cli.audit.wanted import PATIENCE, Kind, Since, Until, User
from dhq_auth.cli.opened import opened
from dhq_auth.cli.output import Json, note, print_json
from dhq_auth.cli.table import print_table
from dhq_auth.settings import Settings, from_environ

COLUMNS = ("id", "at", "kind", "user_id", "actor", "address", "request_id")
MAX_ID = 2**63 - 1
TITLES = ("id", "time", "kind", "user", "by", "address", "request", "detail")


def list_events(
    *,
    user: User = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    before: Annotated[
        int | None,
        typer.Option(metavar="ID", min=1, max=MAX_ID, help="Only what is older than this row."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The newest so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List what happened, the newest first. What concerns a user outlives the account."""
    wanted = Wanted(user_id=user, kind=kind, since=since, until=until)
    found = asyncio.run(_latest(from_environ(), limit + 1, wanted, before))
    events = found[:limit]
    more = events[-1]["id"] if len(found) > limit else None
    if as_json:
        print_json({"items": events, "next": more})
        return
    rows = [[*(event[name] for name in COLUMNS), _brief(event["detail"])] for event in events]
    print_table(TITLES, rows)
    if more is not None:
        note(f"there is more: --before {more}")


async def _latest(
    settings: Settings, limit: int, wanted: Wanted, before: int | None
) -> list[dict[str, Any]]:
    async with (
        opened(settings) as database,
        database.patient(PATIENCE) as patient,
        patient.read() as db,
    ):
        return await store.latest(db, limit, wanted, before=before)


def _brief(detail: Any) -> str:
    if not isinstance(detail, dict):
        return json.dumps(detail)
    return " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in detail.items()
    )
