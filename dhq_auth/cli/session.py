"""`dhq-auth session`: where a user is logged in."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from dhq_auth.access.end import end_session, end_sessions
from dhq_auth.cli.named_user import UserName, user_named
from dhq_auth.cli.opened import opened, transacted
from dhq_auth.cli.outcome import Refused
from dhq_auth.cli.output import Json, print_json
from dhq_auth.cli.table import print_table
from dhq_auth.clock import utcnow
from dhq_auth.opaque import is_id
from dhq_auth.sessions import store
from dhq_auth.sessions.store import Session
from dhq_auth.settings import Settings, from_environ
from dhq_auth.work import Transaction

app = typer.Typer(no_args_is_help=True, add_completion=False)

MOST = 1000
"""Sessions that are listed, the newest first; `revoke --all` ends all there are."""


@app.callback()
def session() -> None:
    """List the sessions of users, and end them."""


@app.command("list")
def list_sessions(user: UserName, *, as_json: Json = False) -> None:
    """List the sessions of USER that a cookie or a login token can use, the newest first."""
    found = asyncio.run(_sessions(from_environ(), user))
    now = utcnow()
    items = [{**asdict(each), "expires_at": each.ends_at(now)} for each in found]
    for item in items:
        del item["keep_until"]
    if as_json:
        print_json({"items": items})
        return
    columns = ("id", "provider", "created_at", "used_at", "expires_at", "address", "user_agent")
    rows = [[item[name] for name in columns] for item in items]
    print_table(("id", "by", "began", "last used", "ends", "address", "browser"), rows)


@app.command()
def revoke(
    user: UserName,
    session_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Which one; see `session list`.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: Json = False,
) -> None:
    """End the session ID of USER, or all, and with them their login tokens."""
    if every == (session_id is not None):
        raise typer.BadParameter("give an ID or --all.")
    ended = asyncio.run(_revoke(from_environ(), user, session_id))
    if as_json:
        print_json({"ended": ended})
    else:
        typer.echo(f"ended: {ended}")


async def _sessions(settings: Settings, name: str) -> Sequence[Session]:
    async with opened(settings) as database, database.read() as db:
        user = await user_named(db, name)
        return await store.newest_sessions_of(db, user.id, utcnow(), MOST)


async def _revoke(settings: Settings, name: str, session_id: str | None) -> int:
    async def end(tx: Transaction) -> int:
        user = await user_named(tx.db, name)
        if session_id is None:
            return await end_sessions(tx, user)
        if not is_id(session_id) or not await end_session(tx, user, session_id):
            raise Refused(f"{name!r} has no session {session_id!r}")
        return 1

    return await transacted(settings, end)
