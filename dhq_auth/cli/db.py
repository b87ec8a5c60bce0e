"""`dhq-auth db`: the schema of the database."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import typer

from dhq_auth import migrations
from dhq_auth.cli.opened import reached
from dhq_auth.cli.outcome import REFUSED
from dhq_auth.cli.output import Json, print_json
from dhq_auth.migrations import HEAD
from dhq_auth.migrations.history import Step
from dhq_auth.migrations.state import State, state_of, steps_of
from dhq_auth.settings import Settings, from_environ

_NEXT: Final = "the next start, or `dhq-auth db upgrade`,"
MEANING: Final[Mapping[State, str]] = {
    State.CURRENT: "is what this version needs: nothing is to do",
    State.MISSING: f"is not there yet: {_NEXT} makes it",
    State.EMPTY: f"has no tables of dhq-auth yet: {_NEXT} makes them",
    State.OLDER: f"is older than this version needs: {_NEXT} upgrades it in one transaction; take "
    "a backup first",
    State.AHEAD: "was upgraded by a newer dhq-auth, which this version works beside: nothing is to "
    "do; replace this version soon",
    State.NEWER: "was upgraded by a newer dhq-auth: start that version, or restore a backup",
    State.LEGACY: f"is of dhq-auth 0.1.6: {_NEXT} upgrades it in place, in one transaction; users "
    "keep their ids and names; 0.1.6 cannot use it afterwards, so take a backup first",
    State.FOREIGN: "has a table `users` that is not of dhq-auth: give dhq-auth a database of its "
    "own",
}
"""What each state of the database means to the operator."""

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def db() -> None:
    """Bring the database up to date, or say what that would do.

    The service does so itself when it starts, and several may start at once.
    """


@app.command()
def upgrade(*, as_json: Json = False) -> None:
    """Bring the database to the revision that this version needs; make it if it is not there."""
    before = asyncio.run(_upgrade(from_environ()))
    if as_json:
        print_json({"from": before, "to": HEAD, "changed": before != HEAD})
    elif before == HEAD:
        typer.echo(f"{HEAD}: nothing was to do")
    else:
        typer.echo(f"{before or 'nothing'} → {HEAD}")


@app.command()
def check(*, as_json: Json = False) -> None:
    """Say what an upgrade would do, and change nothing: exit code 0 if nothing, else 1."""
    state, revision, steps = asyncio.run(_look(from_environ()))
    if as_json:
        found = {"state": state, "revision": revision, "needed": HEAD, "meaning": MEANING[state]}
        print_json({**found, "steps": [_described(step) for step in steps]})
    else:
        typer.echo(f"The database ({revision or 'no revision'}) {MEANING[state]}.")
        for step in steps:
            typer.echo(f"{step.revision}: {step.summary}")
        if state is State.OLDER:
            typer.echo(_rolling(steps))
    if state not in {State.CURRENT, State.AHEAD}:
        raise typer.Exit(REFUSED)


def _described(step: Step) -> dict[str, Any]:
    return {"revision": step.revision, "does": step.summary, "only_adds": step.only_adds}


def _rolling(steps: list[Step]) -> str:
    if all(step.only_adds for step in steps):
        return "It only adds: the version before may run beside this one meanwhile."
    return "It takes away: stop every process of the version before first."


async def _upgrade(settings: Settings) -> str | None:
    async with reached(settings) as database:
        state, _ = await state_of(database)
        before = await migrations.upgrade(database)
        return "0.1.6" if state is State.LEGACY else before


async def _look(settings: Settings) -> tuple[State, str | None, list[Step]]:
    async with reached(settings) as database:
        state, revision = await state_of(database)
        has_steps = state in {State.OLDER, State.LEGACY}
        return state, revision, await steps_of(database, revision) if has_steps else []
