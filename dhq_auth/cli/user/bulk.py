"""`dhq-auth user import`: the users of another system, with the hashes of their passwords."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, BinaryIO, Final

import typer

from dhq_auth.access.accounts import Names, add_account, checked
from dhq_auth.cli.opened import transacted
from dhq_auth.cli.outcome import Refused
from dhq_auth.cli.output import Json, print_json
from dhq_auth.errors import Conflict, InvalidRequest
from dhq_auth.passwords import imported
from dhq_auth.settings import Settings, from_environ
from dhq_auth.work import Transaction

PATIENCE: Final = 600.0
"""Seconds for the one transaction of an import."""
MAX_LINE: Final = 64 * 1024
TEXTS: Final = ("username", "email", "name", "first_name", "last_name", "password_hash")


@dataclass(frozen=True, slots=True)
class ImportedUser:
    """A user as a line has one; `hash` is None for who logs in at a provider."""

    line: int
    names: Names
    hash: str | None = field(repr=False)
    is_admin: bool


def import_users(
    file: Annotated[
        typer.FileBinaryRead, typer.Argument(help="JSON, a line for each user; - is stdin.")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Add the users of a file: all of them, or, where a line is at fault, none.

    Each line is a JSON object with `username` or `email` or both, and perhaps `name`, `first_name`,
    `last_name`, `is_admin` and `password_hash`: of bcrypt, of Argon2, or as Django keeps PBKDF2,
    bcrypt and Argon2. A hash is replaced by one of ours at the next login. Emails count as verified.
    """
    users = _read(file)
    ids = asyncio.run(_added(from_environ(), users))
    if as_json:
        print_json({"added": len(ids), "ids": ids})
    else:
        typer.echo(f"added {len(ids)}")


def _read(file: BinaryIO) -> list[ImportedUser]:
    users, faults = [], []
    for number, line in enumerate(_lines(file), 1):
        if line.strip():
            try:
                users.append(_user(number, line))
            except (ValueError, InvalidRequest) as error:
                faults.append(f"line {number}: {error}")
    if faults:
        raise Refused("\n".join([*faults, "nobody was added"]))
    return users


def _lines(file: BinaryIO) -> Iterable[bytes]:
    while line := file.readline(MAX_LINE + 1):
        yield line
        if len(line) > MAX_LINE:  # read on to its end, and keep none of it
            while len(line) > MAX_LINE and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE + 1)


def _user(number: int, line: bytes) -> ImportedUser:
    """Read one line; ValueError or InvalidRequest says what would be right."""
    if len(line) > MAX_LINE:
        raise ValueError(f"it is longer than {MAX_LINE} bytes")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    if unknown := sorted(found.keys() - {*TEXTS, "is_admin"}):
        raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(TEXTS)}, is_admin")
    texts = {name: _text(found, name) for name in TEXTS}
    stored = texts.pop("password_hash")
    is_admin = found.get("is_admin", False)
    if not isinstance(is_admin, bool):
        raise ValueError("is_admin must be true or false")
    names = checked(Names(**texts), reserved=True)
    try:
        kept = None if stored is None else imported.check(stored)
    except ValueError as error:
        raise ValueError(f"password_hash: {error}") from None
    return ImportedUser(number, names, kept, is_admin)


def _text(found: dict[str, Any], name: str) -> str | None:
    value = found.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} must be a text")
    return value or None


async def _added(settings: Settings, users: list[ImportedUser]) -> list[str]:
    async def add(tx: Transaction) -> list[str]:
        ids, faults = [], []
        for each in users:
            try:
                user = await add_account(
                    tx, each.names, each.hash, vouched=True, is_admin=each.is_admin
                )
                ids.append(user.id)
            except Conflict as error:
                faults.append(f"line {each.line}: {error}")
        if faults:
            raise Refused("\n".join([*faults, "nobody was added"]))
        return ids

    return await transacted(settings, add, patience=PATIENCE)
