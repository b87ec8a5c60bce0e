"""`dhq-auth policy evaluate`: what somebody may do, and why."""

import asyncio
import json
from typing import Annotated, Any, get_args

import typer

from dhq_auth.cli.named_user import title_of, user_named
from dhq_auth.cli.opened import opened
from dhq_auth.cli.outcome import Refused
from dhq_auth.cli.output import Json, note, print_json
from dhq_auth.cli.policy.told import sql_literal, told
from dhq_auth.db import Db
from dhq_auth.logs import escaped
from dhq_auth.policies.caller import ANONYMOUS, AuthUser, auth_user
from dhq_auth.policies.cases import NOBODY, answer_for
from dhq_auth.policies.draft import check_name
from dhq_auth.policies.explain import Explanation, explain
from dhq_auth.policies.resolve import Question, candidates
from dhq_auth.policies.store import ALL
from dhq_auth.sdk.decision import ACTIONS, Action, Decision
from dhq_auth.sdk.evaluate import MissingColumn
from dhq_auth.settings import Settings, from_environ

Row = dict[str, Any]


def evaluate(
    user: Annotated[
        str,
        typer.Argument(metavar="USER", help="An id, a username or an email; -: not logged in."),
    ],
    table: Annotated[str, typer.Argument(help="The table.")],
    action: Annotated[str, typer.Argument(help=f"One of {', '.join(get_args(Action))}.")],
    *,
    service: Annotated[str, typer.Option(help="The service that asks.")] = ALL,
    mine: Annotated[
        bool, typer.Option("--mine", help="A read of the own rows: read_mine.")
    ] = False,
    row: Annotated[
        str | None, typer.Option(metavar="JSON", help="Whether this row is allowed, too.")
    ] = None,
    new_row: Annotated[
        str | None, typer.Option(metavar="JSON", help="What an update writes over the row.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what USER may do with the rows of a table, which policy decides, and what would help.

    Exit code 0, whatever the answer is.
    """
    question = Question(check_name("table", table), _action(action, mine=mine), service)
    check_name("service", service)
    rows = _row("--row", row), _row("--new-row", new_row)
    if new_row is not None and (row is None or question.action != "update"):
        raise typer.BadParameter("--new-row goes with --row, for an update.")
    explanation = asyncio.run(_explained(from_environ(), user, question))
    answer = _answer(explanation.decision, *rows)
    if as_json:
        document = explanation.decision.to_json()
        answered = {"row": answer} if answer else {}
        print_json({**document, **answered, "explanation": explanation.to_json(whole=True)})
        return
    for line in [*told(explanation), *_as_sql(explanation.decision)]:
        typer.echo(line)
    if answer:
        typer.echo(f"this row: {answer}")


def _action(text: str, *, mine: bool) -> Action:
    action = next((each for each in ACTIONS if each == text), None)
    if action is None:
        raise typer.BadParameter(f"ACTION is one of {', '.join(ACTIONS)}.")
    if mine and action not in ("read", "read_mine"):
        raise typer.BadParameter("--mine goes with read.")
    return "read_mine" if mine else action


def _row(option: str, text: str | None) -> Row | None:
    if text is None:
        return None
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise typer.BadParameter(f'{option} is a JSON object: {{"column": value}}.')
    return row


async def _explained(settings: Settings, user: str, question: Question) -> Explanation:
    async with opened(settings) as database, database.read() as db:
        caller = await _caller(db, user)
        return explain(await candidates(db, question), question, caller)


async def _caller(db: Db, text: str) -> AuthUser:
    if text == NOBODY:
        return ANONYMOUS
    user = await user_named(db, text)
    if not user.is_active:
        note(f"{title_of(user)} is disabled, so nobody is let in as this user")
    return auth_user(user)


def _answer(decision: Decision, row: Row | None, new_row: Row | None) -> str | None:
    """Return whether *row* is allowed, or None if there is none."""
    try:
        return None if row is None else answer_for(decision, row, new_row)
    except MissingColumn as error:
        raise Refused(f"--row: {error}") from None


def _as_sql(decision: Decision) -> list[str]:
    parts = {"where": decision.where, "check": decision.check}
    lines = [f"{name}: {text}" for name, text in parts.items() if text]
    for name in ("params", "set"):
        values = getattr(decision, name)
        lines += [f"{name}: {column} = {sql_literal(value)}" for column, value in values.items()]
    return [escaped(line) for line in lines]
