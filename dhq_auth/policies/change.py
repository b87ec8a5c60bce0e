"""Policies made, changed and deleted; by whomever, the same rules hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from dhq_auth.accounts.store import lock_administrators
from dhq_auth.errors import Conflict
from dhq_auth.events import PolicyAdded, PolicyChanged, PolicyDeleted
from dhq_auth.message import Message
from dhq_auth.policies import store
from dhq_auth.policies.draft import FIELDS, Draft, checked, draft_of, told, written
from dhq_auth.policies.lockout import keep_administrable
from dhq_auth.policies.store import Key, Policy
from dhq_auth.work import Transaction

_AT_ONCE: Final = 500
"""Policies that are looked for by one query."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What makes one set of policies of another."""

    added: Sequence[Draft]
    changed: Sequence[tuple[Policy, Draft]]
    deleted: Sequence[Policy]

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.added or self.changed or self.deleted)


def changes_to(there: Iterable[Policy], wanted: Iterable[Draft]) -> Changes:
    """Return what makes *wanted* of the policies that are *there*; each keeps its id by its key."""
    before = {policy.key: policy for policy in there}
    after = {draft.key: draft for draft in wanted}
    return Changes(
        [draft for key, draft in after.items() if key not in before],
        [
            (before[key], draft)
            for key, draft in after.items()
            if key in before and draft != draft_of(before[key])
        ],
        [policy for key, policy in before.items() if key not in after],
    )


async def make(tx: Transaction, changes: Changes, *, by: str | None) -> list[Policy]:
    """Make *changes*, all or none; return the policies that were added, then those changed.

    *by* is the user who does it, None at the command line. Raises what `checked` does; Conflict if
    there is a policy for the same already, or if no administrator could change policies afterwards.
    """
    await lock_administrators(tx.db)
    added = [written(checked(draft), tx.now) for draft in changes.added]
    changed = [
        (before, written(checked(draft), tx.now, before)) for before, draft in changes.changed
    ]
    moved = [after for before, after in changed if after.key != before.key]
    await _check_keys(tx, [policy.key for policy in (*added, *moved)])
    await store.delete_policies(tx.db, [policy.id for policy in changes.deleted])
    for _, after in changed:
        await store.update_policy(tx.db, after)
    await store.add_policies(tx.db, added)
    await keep_administrable(tx.db)
    for policy in added:
        tx.emit(PolicyAdded(user_id=by, **told(policy)))
    for before, after in changed:
        was = {name: getattr(before, name) for name in FIELDS}
        tx.emit(PolicyChanged(user_id=by, before=was, **told(after)))
    for policy in changes.deleted:
        tx.emit(PolicyDeleted(user_id=by, **told(policy)))
    return [*added, *(after for _, after in changed)]


async def _check_keys(tx: Transaction, keys: Sequence[Key]) -> None:
    """Raise Conflict, which names it, if there is a policy for one of *keys* already."""
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        there = await store.policies_for(tx.db, *map(set, zip(*some, strict=True)))
        for service, table_name, action in there.keys() & {*some}:
            raise Conflict(
                Message(
                    "There is a policy for {action} on {table_name} in {service} already.",
                    action=action,
                    table_name=table_name,
                    service=service,
                ),
                code="policy_exists",
            )
