"""`dhq-auth token`: the API tokens of a user."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer

from dhq_auth.access.tokens import (
    TITLE,
    Wanted,
    checked,
    make_developer_token,
    make_token,
    revoke_tokens,
)
from dhq_auth.accounts.store import hold
from dhq_auth.api_tokens import scopes as known_scopes
from dhq_auth.api_tokens import store
from dhq_auth.api_tokens.store import ApiToken
from dhq_auth.cli.named_user import UserName, user_named
from dhq_auth.cli.opened import opened, transacted
from dhq_auth.cli.outcome import Refused
from dhq_auth.cli.output import Json, note, print_json
from dhq_auth.cli.table import print_table
from dhq_auth.clock import utcnow
from dhq_auth.opaque import is_id
from dhq_auth.settings import Settings, from_environ
from dhq_auth.work import Transaction

app = typer.Typer(no_args_is_help=True, add_completion=False)

MOST = 1000
"""Tokens that are listed: all that count, unless a user has more than any should."""


@app.callback()
def token() -> None:
    """Make, list and revoke API tokens of users."""


@app.command()
def create(
    user: UserName,
    *,
    title: Annotated[str, typer.Option(help="What it is for.")] = TITLE,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="When it expires; without it: never.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it may do; several times for several. Without any: everything."),
    ] = None,
    developer: Annotated[
        bool, typer.Option("--developer", help="The one developer token, in place of the last.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a token of USER, and print its value, this once."""
    if developer and (title != TITLE or days or scope):
        raise typer.BadParameter("--developer takes neither title, days nor scopes.")
    made = asyncio.run(_create(from_environ(), user, title, days, scope, developer=developer))
    if as_json:
        print_json(made)
        return
    typer.echo(made["token"])
    note("It is shown this once: nothing but a digest of it is kept.")


@app.command("list")
def list_tokens(user: UserName, *, as_json: Json = False) -> None:
    """List the tokens of USER, those that ended in the last 30 days included; never a value."""
    items = [_described(each) for each in asyncio.run(_tokens(from_environ(), user))]
    if as_json:
        print_json({"items": items})
        return
    columns = ("token_id", "title", "hint", "scopes", "created_at", "expires_at", "used_at")
    rows = [
        [
            *(
                " ".join(item[name]) if name == "scopes" and item[name] else item[name]
                for name in columns
            ),
            item["revoked_at"],
        ]
        for item in items
    ]
    print_table(
        ("id", "title", "ends with", "scopes", "made", "expires", "last used", "revoked"), rows
    )


@app.command()
def revoke(
    user: UserName,
    token_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Which one; see `token list`.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: Json = False,
) -> None:
    """Revoke the token ID of USER, or all: what uses it stops working at once."""
    if every == (token_id is not None):
        raise typer.BadParameter("give an ID or --all.")
    ended = asyncio.run(_revoke(from_environ(), user, token_id))
    if as_json:
        print_json({"revoked": [each.id for each in ended]})
    else:
        typer.echo(f"revoked: {len(ended)}")


async def _create(
    settings: Settings,
    name: str,
    title: str,
    days: int | None,
    scopes: Sequence[str] | None,
    *,
    developer: bool,
) -> dict[str, Any]:
    now = utcnow()
    wanted = checked(
        Wanted(
            title=title,
            expires_at=now + timedelta(days=days) if days else None,
            scopes=known_scopes.check(scopes) if scopes else None,
        ),
        now,
    )

    async def make(tx: Transaction) -> tuple[ApiToken, str]:
        user = await user_named(tx.db, name)
        if not await hold(tx.db, user.id, alone=True):
            raise Refused(f"{name!r} is disabled")
        if developer:
            return await make_developer_token(tx, user)
        return await make_token(tx, user, wanted, limit=settings.limits.max_api_tokens)

    made, value = await transacted(settings, make)
    return {"token": value, **_described(made)}


async def _tokens(settings: Settings, name: str) -> Sequence[ApiToken]:
    async with opened(settings) as database, database.read() as db:
        user = await user_named(db, name)
        return await store.newest_tokens_of(db, user.id, MOST)


async def _revoke(settings: Settings, name: str, token_id: str | None) -> Sequence[ApiToken]:
    async def end(tx: Transaction) -> Sequence[ApiToken]:
        user = await user_named(tx.db, name)
        known = token_id is None or is_id(token_id)
        ended = await revoke_tokens(tx, user_id=user.id, token_id=token_id) if known else ()
        if token_id is not None and not ended:
            raise Refused(f"{name!r} has no token {token_id!r} that counts")
        return ended

    return await transacted(settings, end)


def _described(each: ApiToken) -> dict[str, Any]:
    described = asdict(each)
    described["token_id"] = described.pop("id")
    described["scopes"] = None if each.scopes is None else sorted(each.scopes)
    return described
