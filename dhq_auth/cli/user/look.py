"""`dhq-auth user list` and `user show`."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import typer

from dhq_auth.access.store import password_facts
from dhq_auth.accounts.identities.store import identities_of
from dhq_auth.accounts.store import User
from dhq_auth.administration import store
from dhq_auth.administration.cursor import cursor_of, place_of
from dhq_auth.administration.record import record_of
from dhq_auth.cli.named_user import UserName, user_named
from dhq_auth.cli.opened import opened
from dhq_auth.cli.output import Json, note, print_json
from dhq_auth.cli.table import print_table
from dhq_auth.settings import Settings, from_environ


def list_users(
    *,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 1000,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="Those after the end of another list.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the users, the oldest first."""
    users, more = asyncio.run(_page(from_environ(), limit, after))
    if as_json:
        print_json({"items": [record_of(user) for user in users], "next": more})
        return
    rows = [
        (user.id, user.username, user.email, user.name, _state(user), user.created_at)
        for user in users
    ]
    print_table(("id", "username", "email", "name", "state", "created"), rows)
    if more:
        note(f"there are more: --after {more}")


def show(user: UserName, *, as_json: Json = False) -> None:
    """Show one user, with the ways to log in: nothing of a password but whether there is one."""
    found = asyncio.run(_found(from_environ(), user))
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if name != "identities" and value is not None:
            typer.echo(f"{name}: {value}")
    for identity in found["identities"]:
        typer.echo(f"identity: {identity['provider']} {identity['issuer']} {identity['subject']}")


async def _page(
    settings: Settings, limit: int, cursor: str | None
) -> tuple[list[User], str | None]:
    after = place_of(cursor) if cursor is not None else None
    async with opened(settings) as database, database.read() as db:
        found = await store.users_after(db, limit + 1, after)
    page = list(found[:limit])
    return page, cursor_of(page[-1]) if len(found) > limit else None


async def _found(settings: Settings, text: str) -> dict[str, Any]:
    async with opened(settings) as database, database.read() as db:
        user = await user_named(db, text)
        has_password, expires_at = await password_facts(db, user.id)
        identities = await identities_of(db, user.id)
    return {
        **record_of(user),
        "has_password": has_password,
        "password_expires_at": expires_at,
        "identities": [asdict(identity) for identity in identities],
    }


def _state(user: User) -> str:
    words = ["admin"] if user.is_admin else []
    return " ".join(words if user.is_active else [*words, "disabled"])
