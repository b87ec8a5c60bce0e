"""`dhq-auth user add`, and its old name `create-user`."""

import asyncio
from typing import Annotated

import typer

from dhq_auth.access.accounts import Names, add_account, check_password, checked
from dhq_auth.accounts.store import User
from dhq_auth.administration.record import record_of
from dhq_auth.cli.named_user import title_of
from dhq_auth.cli.opened import transacted
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
from dhq_auth.settings import Settings, from_environ
from dhq_auth.work import Transaction


def add(  # noqa: PLR0913 - an option each
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A username, or an email: what has an @.")
    ],
    *,
    email: Annotated[
        str | None, typer.Option(help="The email, where NAME is a username; counts as verified.")
    ] = None,
    full_name: Annotated[
        str | None, typer.Option("--name", help="What the person is called.")
    ] = None,
    first_name: Annotated[str | None, typer.Option(help="The first name.")] = None,
    last_name: Annotated[str | None, typer.Option(help="The last name.")] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Make an administrator.")] = False,
    password_stdin: FromStdin = False,
    generate: Generate = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="For who logs in at a provider.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Add a user. The password is asked for twice, unless an option says where it comes from."""
    check_one_way(password_stdin=password_stdin, generate=generate, no_password=no_password)
    if "@" in name:
        if email is not None:
            raise typer.BadParameter("NAME is an email already", param_hint="--email")
        name, email = "", name
    names = checked(
        Names(
            username=name or None,
            email=email,
            name=full_name,
            first_name=first_name,
            last_name=last_name,
        ),
        reserved=True,
    )
    settings = from_environ()
    given = None
    if not no_password:
        given = given_password(settings, stdin=password_stdin, generate=generate)
    user = asyncio.run(_added(settings, names, given, is_admin=admin))
    if as_json:
        print_json({**record_of(user), **made_password(given)})
        return
    typer.echo(f"added {title_of(user)}")
    tell_made(given)


async def _added(
    settings: Settings, names: Names, given: GivenPassword | None, *, is_admin: bool
) -> User:
    kept = None
    if given is not None:
        kept = await hashed(check_password(given.text, names, settings))

    async def add(tx: Transaction) -> User:
        return await add_account(
            tx,
            names,
            kept,
            vouched=True,
            is_admin=is_admin,
            expires_at=until(given, tx.now),
        )

    return await transacted(settings, add)
