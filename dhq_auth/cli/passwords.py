"""Passwords as commands get them: asked for twice, read from standard input, or made here.

Never as an argument, which every user of the machine could read.
"""

import sys
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final

import typer

from dhq_auth.access.accounts import INITIAL_PASSWORD_LIFETIME
from dhq_auth.administration.first_administrator import new_password
from dhq_auth.cli.outcome import Refused
from dhq_auth.cli.output import note
from dhq_auth.passwords.hashing import Argon2Cost, PasswordHasher
from dhq_auth.settings import Settings

MOST: Final = 16 * 1024
"""Bytes of standard input; no password is as long."""

FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
Generate = Annotated[
    bool, typer.Option("--generate", help="Make a password and print it; it counts for 7 days.")
]


@dataclass(frozen=True, slots=True)
class GivenPassword:
    """A password that is to be set, not yet checked; `made` if this program made it."""

    text: str = field(repr=False)
    made: bool = False


def given_password(settings: Settings, *, stdin: bool, generate: bool) -> GivenPassword:
    """Return the password that the operator gives; asks for it twice unless told how to get it.

    Raises Refused where the two differ.
    """
    if generate:
        return GivenPassword(new_password(settings), made=True)
    if stdin:
        return GivenPassword(_from_stdin())
    first = typer.prompt("Password", hide_input=True, err=True)
    if first != typer.prompt("The same once more", hide_input=True, err=True):
        raise Refused("the two passwords differ; nothing was changed")
    return GivenPassword(first)


def check_one_way(**ways: bool) -> None:
    """Raise a fault of usage where more than one of the options *ways* is given."""
    given = [f"--{name.replace('_', '-')}" for name, on in ways.items() if on]
    if len(given) > 1:
        raise typer.BadParameter(f"give one of {', '.join(given)}")


async def hashed(password: str) -> str:
    """Return the hash of a checked *password*."""
    hasher = PasswordHasher(Argon2Cost(), queue=0)
    try:
        return await hasher.hash(password)
    finally:
        hasher.close()


def until(given: GivenPassword | None, now: datetime) -> datetime | None:
    """Return when the password ends that this program made; None for one that a person chose."""
    return now + INITIAL_PASSWORD_LIFETIME if given is not None and given.made else None


def made_password(given: GivenPassword | None) -> dict[str, str]:
    """Return what a JSON document says of a password: only what this program made."""
    return {"password": given.text} if given is not None and given.made else {}


def tell_made(given: GivenPassword | None) -> None:
    """Print the password that this program made, the only time that it is shown."""
    if given is not None and given.made:
        typer.echo(f"password: {given.text}")
        note(f"It counts for {INITIAL_PASSWORD_LIFETIME.days} days: change it before, at /profile.")


def _from_stdin() -> str:
    raw = sys.stdin.buffer.read(MOST + 1)
    if len(raw) > MOST:
        raise Refused("standard input is too long for a password")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Refused("the password on standard input is not UTF-8") from None
    return text.removesuffix("\n").removesuffix("\r")
