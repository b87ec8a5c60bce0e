"""`dhq-auth policy add`, `update` and `delete`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from dhq_auth.accounts.store import lock_administrators
from dhq_auth.cli.opened import transacted
from dhq_auth.cli.outcome import Refused
from dhq_auth.cli.output import Json, print_json
from dhq_auth.cli.policy.record import record_of, title_of
from dhq_auth.errors import InvalidExpression
from dhq_auth.policies.change import Changes, make
from dhq_auth.policies.draft import RULE_ACTIONS, Draft, draft_of
from dhq_auth.policies.pointer import pointed
from dhq_auth.policies.store import ALL, Policy, policy_by_id
from dhq_auth.settings import Settings, from_environ
from dhq_auth.work import Transaction

_ACTION = f"What may be done: {', '.join(RULE_ACTIONS)}."
_EXPRESSION = "For which callers and rows; empty: everybody, every row."
PolicyId = Annotated[str, typer.Argument(metavar="ID", help="Which one; see `policy list`.")]


def add(
    table: Annotated[str, typer.Argument(help="The table; all: every one.")],
    action: Annotated[str, typer.Argument(help=_ACTION)],
    expression: Annotated[str, typer.Argument(help=_EXPRESSION)],
    description: Annotated[str, typer.Argument(help="What it is there for.")] = "",
    *,
    service: Annotated[str, typer.Option(help="The service that it is for.")] = ALL,
    as_json: Json = False,
) -> None:
    """Add a policy. There is one for each service, table and action."""
    draft = Draft(
        service=service,
        table_name=table,
        action=action,
        expression=expression,
        description=description,
    )
    with faults_pointed_at(expression):
        _print("added", asyncio.run(_added(from_environ(), draft)), as_json=as_json)


def update(
    policy_id: PolicyId,
    *,
    expression: Annotated[str | None, typer.Option(help=_EXPRESSION)] = None,
    description: Annotated[str | None, typer.Option(help="What it is there for.")] = None,
    table: Annotated[str | None, typer.Option(help="The table; all: every one.")] = None,
    action: Annotated[str | None, typer.Option(help=_ACTION)] = None,
    service: Annotated[str | None, typer.Option(help="The service that it is for.")] = None,
    as_json: Json = False,
) -> None:
    """Change what a policy says, or what it is for."""
    given = {
        "expression": expression,
        "description": description,
        "table_name": table,
        "action": action,
        "service": service,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise typer.BadParameter("give what is to be changed: --expression or another option.")
    with faults_pointed_at(expression):
        changed = asyncio.run(_changed(from_environ(), policy_id, changes))
    _print("changed", changed, as_json=as_json)


def delete(policy_id: PolicyId, *, as_json: Json = False) -> None:
    """Delete a policy: what it was for is decided by another, or denied."""
    deleted = asyncio.run(_deleted(from_environ(), policy_id))
    if as_json:
        print_json({"deleted": deleted.id})
    else:
        _print("deleted", deleted, as_json=False)


@contextmanager
def faults_pointed_at(expression: str | None) -> Iterator[None]:
    """Show where in *expression* the fault is that is raised inside."""
    try:
        yield
    except InvalidExpression as error:
        if expression is None:  # the one that is stored, which somebody wrote past us
            raise
        lines = pointed(expression, error.extra["position"])
        raise Refused("\n".join([str(error), *lines])) from error


def _print(done: str, policy: Policy, *, as_json: bool) -> None:
    if as_json:
        print_json(record_of(policy))
    else:
        typer.echo(f"{done} {title_of(policy)}")


async def _added(settings: Settings, draft: Draft) -> Policy:
    async def add(tx: Transaction) -> Policy:
        (added,) = await make(tx, Changes([draft], [], []), by=None)
        return added

    return await transacted(settings, add)


async def _changed(settings: Settings, policy_id: str, changes: dict[str, str]) -> Policy:
    async def change(tx: Transaction) -> Policy:
        policy = await _alone(tx, policy_id)
        draft = draft_of(policy, changes)
        (changed,) = await make(tx, Changes([], [(policy, draft)], []), by=None)
        return changed

    return await transacted(settings, change)


async def _deleted(settings: Settings, policy_id: str) -> Policy:
    async def drop(tx: Transaction) -> Policy:
        policy = await _alone(tx, policy_id)
        await make(tx, Changes([], [], [policy]), by=None)
        return policy

    return await transacted(settings, drop)


async def _alone(tx: Transaction, policy_id: str) -> Policy:
    """Return the policy, which nobody else changes until *tx* ends; Refused if there is none."""
    await lock_administrators(tx.db)  # first, as everybody who changes policies does
    policy = await policy_by_id(tx.db, policy_id, lock=True) if policy_id.isprintable() else None
    if policy is None:
        raise Refused(f"there is no policy {policy_id!r}")
    return policy
