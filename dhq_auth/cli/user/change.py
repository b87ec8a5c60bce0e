"""`dhq-auth user set-password`, `set-admin`, `disable`, `enable`, `delete`."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from dhq_auth.access.accounts import change_password, change_user, check_password, delete_user
from dhq_auth.accounts.store import User
from dhq_auth.administration.record import record_of
from dhq_auth.cli.named_user import UserName, title_of, user_named
from dhq_auth.cli.opened import opened, transacted
from dhq_auth.cli.output import Json, print_json
from dhq_auth.cli.passwords import (
    FromStdin,
    Generate,
    GivenPassword,
    check_one_way,
    given_password,
    hashed,
    made_password,
    tell_made,
    until,
)
from dhq_auth.events import OPERATOR
from dhq_auth.settings import Settings, from_environ
from dhq_auth.work import Transaction


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


def set_password(
    user: UserName,
    *,
    password_stdin: FromStdin = False,
    generate: Generate = False,
    as_json: Json = False,
) -> None:
    """Set the password of a user; every session and token of the user ends.

    The password is asked for twice, unless an option says where it comes from.
    """
    check_one_way(password_stdin=password_stdin, generate=generate)
    settings = from_environ()
    given = given_password(settings, stdin=password_stdin, generate=generate)
    changed = asyncio.run(_with_password(settings, user, given))
    if as_json:
        print_json({**record_of(changed), **made_password(given)})
        return
    typer.echo(f"set the password of {title_of(changed)}")
    tell_made(given)


def set_admin(
    user: UserName,
    switch: Annotated[Switch, typer.Argument(help="Whether the user is an administrator.")],
    *,
    as_json: Json = False,
) -> None:
    """Make a user an administrator, or one no longer; the last one stays."""
    is_admin = switch is Switch.ON
    done = "is an administrator" if is_admin else "is no administrator"
    _change(user, done, as_json=as_json, is_admin=is_admin)


def disable(user: UserName, *, as_json: Json = False) -> None:
    """Let a user in no more, and end every session and token of the user."""
    _change(user, "is disabled", as_json=as_json, is_active=False)


def enable(user: UserName, *, as_json: Json = False) -> None:
    """Let a user in again."""
    _change(user, "is enabled", as_json=as_json, is_active=True)


def delete(user: UserName, *, as_json: Json = False) -> None:
    """Delete a user, with every session, token and linked login; nothing brings them back."""
    deleted = asyncio.run(_deleted(from_environ(), user))
    if as_json:
        print_json({"deleted": deleted.id})
    else:
        typer.echo(f"deleted {title_of(deleted)}")


def _change(user: str, done: str, *, as_json: bool, **changes: bool) -> None:
    changed = asyncio.run(_changed(from_environ(), user, changes))
    if as_json:
        print_json(record_of(changed))
    else:
        typer.echo(f"{title_of(changed)} {done}")


async def _changed(settings: Settings, text: str, changes: dict[str, bool]) -> User:
    async def change(tx: Transaction) -> User:
        user = await user_named(tx.db, text)
        return await change_user(tx, user.id, changes, by=OPERATOR)

    return await transacted(settings, change)


async def _deleted(settings: Settings, text: str) -> User:
    async def end(tx: Transaction) -> User:
        user = await user_named(tx.db, text)
        await delete_user(tx, user, by=OPERATOR)
        return user

    return await transacted(settings, end)


async def _with_password(settings: Settings, text: str, given: GivenPassword) -> User:
    async with opened(settings) as database, database.read() as db:
        user = await user_named(db, text)
    kept = await hashed(check_password(given.text, user, settings))
    user_id = user.id

    async def change(tx: Transaction) -> User:
        user = await user_named(tx.db, user_id)
        await change_password(tx, user, kept, by=OPERATOR, expires_at=until(given, tx.now))
        return user

    return await transacted(settings, change)
