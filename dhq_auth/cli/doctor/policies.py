"""Whether every policy can be read and can ever decide, and administrators may change them."""

from collections.abc import Collection, Iterator
from typing import Final

from dhq_auth.cli.doctor.finding import Finding, Findings, fault, ok, warning
from dhq_auth.cli.opened import reached
from dhq_auth.db import Database
from dhq_auth.errors import Conflict, InvalidExpression, InvalidRequest, StartRefused, Unavailable
from dhq_auth.migrations.state import State, state_of
from dhq_auth.policies.defaults import POLICIES, USERS
from dhq_auth.policies.draft import checked, draft_of
from dhq_auth.policies.lockout import keep_administrable
from dhq_auth.policies.store import ALL, Key, Policy, all_policies
from dhq_auth.sdk.decision import ACTIONS
from dhq_auth.settings import Settings

SUBJECT: Final = "policies"
_SHOWN: Final = 20
"""Findings that are told; the others are counted."""


async def check_policies(settings: Settings) -> Findings:
    """Look at every policy; nothing is changed."""
    try:
        async with reached(settings) as database:
            state, _ = await state_of(database)
            if state is not State.CURRENT:
                return
            async with database.read() as db:
                there = {policy.key: policy for policy in await all_policies(db)}
            locked_out = await _locked_out(database)
    except StartRefused:  # which is said of the database
        return
    services = {ALL, *(each.alias for each in settings.services)}
    found = [each for policy in there.values() for each in _looked_at(policy, services, there)]
    found.sort(key=lambda finding: finding.level)  # what is at fault before what is odd
    for finding in [*locked_out, *found[:_SHOWN]]:
        yield finding
    if len(found) > _SHOWN:
        what = f"{len(found) - _SHOWN} more that cannot be read, or can never decide"
        yield warning(SUBJECT, what, "correct these, then look again")
    if not found and not locked_out:
        yield ok(SUBJECT, f"{len(there)}: each can be read, and can decide")


def _looked_at(
    policy: Policy, services: Collection[str], there: Collection[Key]
) -> Iterator[Finding]:
    """Give what is wrong with *policy*, of which the service would not have stored the worse half."""
    title = f"{policy.id} ({policy.service} {policy.table_name} {policy.action})"
    try:
        checked(draft_of(policy))
    except InvalidExpression as error:
        yield fault(
            SUBJECT,
            f"{title} denies, since it cannot be read: {error}",
            f"dhq-auth policy update {policy.id} --expression …",
        )
        return
    except InvalidRequest as error:
        todo = f"dhq-auth policy delete {policy.id}"
        yield warning(SUBJECT, f"{title} can never decide: {error}", todo)
        return
    if reason := _never(policy, services, there):
        yield warning(SUBJECT, f"{title} {reason}", f"dhq-auth policy delete {policy.id}")


def _never(policy: Policy, services: Collection[str], there: Collection[Key]) -> str | None:
    """Return why *policy* does not decide what it seems to, or None if it does."""
    service, table_name, action = policy.key
    if service != ALL and table_name in (USERS, POLICIES):
        return f"does not guard {table_name} of dhq-auth, which goes by the service all"
    if service not in services:
        return f"can never decide: {service} is not in ALLOWED_SERVICES, so it gets no tokens"
    if action == ALL and all((service, table_name, each) in there for each in ACTIONS):
        return "can never decide: there is a policy for each single action"
    return None


async def _locked_out(database: Database) -> list[Finding]:
    """Return a finding if there are administrators, and none of them may change policies."""
    try:
        async with database.write() as db:
            await keep_administrable(db)
    except Conflict:
        return [
            fault(
                SUBJECT,
                "no administrator can read and change the policies",
                "dhq-auth policy add auth_policies all auth_user.is_admin, or update what is there",
            )
        ]
    except Unavailable:  # for writing, which is said of the database
        return []
    return []
