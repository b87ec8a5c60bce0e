"""`dhq-auth audit verify`."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any, BinaryIO, Final

import typer

from dhq_auth.audit.check import Check, Seen
from dhq_auth.audit.exported import NoExport, check_export
from dhq_auth.audit.inspect import inspect
from dhq_auth.audit.sealed import store
from dhq_auth.audit.sealing import PURPOSE
from dhq_auth.cli.opened import opened
from dhq_auth.cli.outcome import REFUSED, Refused
from dhq_auth.cli.output import Json, print_json
from dhq_auth.clock import utcnow
from dhq_auth.db import Database
from dhq_auth.logs import escaped
from dhq_auth.settings import Settings, from_environ
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.tokens.load import open_secret, read_rows
from dhq_auth.tokens.wrapping import wrapping_of

MAX_LINE: Final = 1024 * 1024
_SHOWN: Final = 20


def seen(text: str) -> Seen:
    """Return the row that *text* names, `POSITION:HASH`."""
    found = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not POSITION:HASH, as `audit verify` prints it")
    return Seen(int(found[1]), found[2])


def verify(
    *,
    file: Annotated[
        typer.FileBinaryRead | None,
        typer.Option(metavar="FILE", help="An export, in place of the database; - is stdin."),
    ] = None,
    some: Annotated[
        bool, typer.Option("--some", help="The export is of some rows: gaps are no fault.")
    ] = False,
    row: Annotated[
        Seen | None,
        typer.Option("--seen", parser=seen, metavar="POSITION:HASH", help="It must be there."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that no row was changed, added or removed since it was sealed: else exit code 1.

    Keep the last line somewhere else. Whoever could put the whole database back to an earlier state
    is found out by it: `audit verify --seen POSITION:HASH`.
    """
    if some and file is None:
        raise typer.BadParameter("is about an export: give its --file too.", param_hint="--some")
    if file is None:
        check = asyncio.run(_of_database(from_environ(), row))
    else:
        try:
            check = check_export(_lines(file), some=some, seen=row)
        except NoExport as error:
            raise Refused(str(error)) from error
    if as_json:
        print_json(_document(check))
    else:
        _print(check, sealed=file is None)
    if check.faults:
        raise typer.Exit(REFUSED)


async def _of_database(settings: Settings, row: Seen | None) -> Check:
    async with opened(settings) as database:
        return await inspect(database, await seal_key(database, settings), utcnow(), seen=row)


async def seal_key(database: Database, settings: Settings) -> str:
    """Return the key of the seals; raises KeysUnusable where SECRET_KEY does not open it."""
    async with database.read() as db:
        rows = await read_rows(db)
        newest = await store.newest_seal(db)
    if rows.secret is None and newest is None:
        return ""  # no service has run here yet, so nothing was sealed
    secret = open_secret(rows.secret, wrapping_of(database, settings, make=False))
    return Keyring(secret=secret).secret_of(PURPOSE)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(MAX_LINE):
        yield line


def _document(check: Check) -> dict[str, Any]:
    anchor = check.anchor
    return {
        "ok": not check.faults,
        "rows": check.rows,
        "position": check.position,
        "hash": check.hash,
        "seals": check.seals,
        "sealed_at": check.sealed_at,
        "waiting": check.waiting,
        "removed_until": anchor.position if anchor else 0,
        "removed_at": anchor.pruned_at if anchor else None,
        "seen": None if check.seen is None else not check.seen_is_gone,
        "faults": [asdict(fault) for fault in check.faults],
        "faults_in_all": check.faults_in_all,
    }


def _print(check: Check, *, sealed: bool) -> None:
    for fault in check.faults[:_SHOWN]:
        typer.echo(escaped(f"at {fault.position}: {fault.text}"))
    if check.faults_in_all > _SHOWN:
        typer.echo(f"and {check.faults_in_all - _SHOWN} faults more")
    if check.anchor:
        removed = f"{check.anchor.pruned_at:%Y-%m-%d}"
        typer.echo(f"removed by age, until {removed}: the rows up to {check.anchor.position}")
    if check.seen_is_gone:
        typer.echo("the row that was seen is one of them")
    if sealed:
        typer.echo(f"seals: {check.seals}; rows that wait for theirs: {check.waiting}")
    typer.echo(
        f"rows: {check.rows}, {'not all as they were sealed' if check.faults else 'all fit'}"
    )
    typer.echo(f"{check.position}:{check.hash}")
