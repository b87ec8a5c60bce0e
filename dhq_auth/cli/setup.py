"""`dhq-auth setup`: the first administrator, without a code: who can run this may do all anyhow."""

import asyncio

import typer

from dhq_auth.administration.first_administrator import (
    check_setup,
    make_first_administrator,
    new_password,
)
from dhq_auth.administration.setup_file import code_file, remove_code
from dhq_auth.cli.opened import working
from dhq_auth.cli.output import Json, print_json
from dhq_auth.cli.passwords import GivenPassword, hashed, tell_made
from dhq_auth.events import Source
from dhq_auth.settings import Settings, from_environ

app = typer.Typer(add_completion=False)


@app.command()
def setup(*, as_json: Json = False) -> None:
    """Make the first administrator, once, and print its name and password.

    The password counts for seven days: log in and change it before. Exit code 1 where there is an
    administrator already.
    """
    settings = from_environ()
    username, password = asyncio.run(_made(settings))
    remove_code(code_file(settings))
    if as_json:
        print_json({"username": username, "password": password})
        return
    typer.echo(f"username: {username}")
    tell_made(GivenPassword(password, made=True))


async def _made(settings: Settings) -> tuple[str | None, str]:
    password = new_password(settings)
    async with working(settings) as work:
        await check_setup(work, settings)
        user = await make_first_administrator(work, Source(), await hashed(password))
    return user.username, password
