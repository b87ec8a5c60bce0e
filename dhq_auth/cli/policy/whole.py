"""`dhq-auth policy diff` and `apply`: the whole set, as a file has it."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from difflib import unified_diff
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from dhq_auth.accounts.store import lock_administrators
from dhq_auth.cli.opened import transacted
from dhq_auth.cli.outcome import REFUSED
from dhq_auth.cli.output import Json, print_json
from dhq_auth.cli.policy.file import PolicyFile, drafts
from dhq_auth.cli.policy.look import stored
from dhq_auth.cli.policy.record import record_of
from dhq_auth.cli.table import console
from dhq_auth.logs import escaped
from dhq_auth.policies.change import Changes, changes_to, make
from dhq_auth.policies.document import toml_of
from dhq_auth.policies.draft import Draft
from dhq_auth.policies.store import Policy, all_policies
from dhq_auth.settings import Settings, from_environ
from dhq_auth.work import Transaction

PATIENCE: Final = 600.0
"""Seconds for the one transaction of an apply."""
_COLOURS: Final = {"+": "green", "-": "red", "@": "cyan"}


def diff(file: PolicyFile, *, as_json: Json = False) -> None:
    """Say what `apply` would change: exit code 0 if nothing, else 1."""
    wanted = drafts(file)
    there = asyncio.run(stored(from_environ()))
    changes = changes_to(there, wanted)
    if as_json:
        print_json({"same": not changes, **_told(changes)})
    else:
        _print(there, wanted)
    if changes:
        raise typer.Exit(REFUSED)


def apply(
    file: PolicyFile,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do everything but the commit.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the policies those of a file, all of them or, where one cannot be, none.

    What the file has no longer is deleted. A policy keeps its id while it is for the same service,
    table and action.
    """
    wanted = drafts(file)
    changes = asyncio.run(applied(from_environ(), wanted, dry_run=dry_run))
    if as_json:
        print_json({"dry_run": dry_run, **_told(changes)})
        return
    counts = {
        "added": changes.added,
        "changed": changes.changed,
        "deleted": changes.deleted,
    }
    would = "would be " if dry_run else ""
    typer.echo(", ".join(f"{would}{word}: {len(which)}" for word, which in counts.items()))


class _DryRun(Exception):
    """Undoes the transaction; carries what it would have done."""

    def __init__(self, changes: Changes) -> None:
        super().__init__()
        self.changes = changes


async def applied(settings: Settings, wanted: list[Draft], *, dry_run: bool = False) -> Changes:
    """Make the policies *wanted*, all or none; return what that was, or with *dry_run* would be."""

    async def apply(tx: Transaction) -> Changes:
        await lock_administrators(tx.db)  # whoever else changes policies waits for this
        changes = changes_to(await all_policies(tx.db), wanted)
        if changes:
            await make(tx, changes, by=None)
        if dry_run:
            raise _DryRun(changes)
        return changes

    try:
        return await transacted(settings, apply, patience=PATIENCE)
    except _DryRun as done:
        return done.changes


def _told(changes: Changes) -> dict[str, Any]:
    return {
        "added": [asdict(draft) for draft in changes.added],
        "changed": [
            {"id": policy.id, "from": record_of(policy), "to": asdict(draft)}
            for policy, draft in changes.changed
        ],
        "deleted": [record_of(policy) for policy in changes.deleted],
    }


def _print(there: Sequence[Policy], wanted: Sequence[Draft]) -> None:
    out = console()
    for line in _differences(there, wanted):
        style = "" if line.startswith(("---", "+++")) else _COLOURS.get(line[:1], "")
        out.print(Text(escaped(line), style), soft_wrap=True)


def _differences(there: Sequence[Policy], wanted: Sequence[Draft]) -> Iterator[str]:
    before, after = toml_of(there).splitlines(), toml_of(wanted).splitlines()
    return unified_diff(before, after, "in the database", "in the file", lineterm="", n=6)
