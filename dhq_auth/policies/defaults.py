"""The policies that a database begins with."""

from typing import Final

from dhq_auth.events import PolicyAdded
from dhq_auth.policies.draft import Draft, told, written
from dhq_auth.policies.store import ALL, add_policies, policies_for, there_is_any
from dhq_auth.work import Transaction

USERS: Final = "auth_users"
"""The table of our own users, as policies name it."""
POLICIES: Final = "auth_policies"
"""The table of the policies themselves."""

_OWN_TABLES: Final = (
    (USERS, "auth_user.is_admin", "Administrators manage users."),
    (POLICIES, "auth_user.is_admin", "Administrators manage policies."),
)
_OTHERS: Final = (
    (ALL, "user_id = auth_user.id", "Everybody has the rows that name him as their user."),
)


async def ensure_defaults(tx: Transaction) -> None:
    """Let the first administrator find the policies by which he may begin.

    The migration has made them; an operator may have changed or deleted them since. What he has
    changed stays; where he has policies of his own, only those of our own tables come back.
    """
    wanted = _OWN_TABLES if await there_is_any(tx.db) else (*_OWN_TABLES, *_OTHERS)
    tables = [table_name for table_name, _, _ in wanted]
    there = await policies_for(tx.db, [ALL], tables, [ALL])
    added = [
        written(
            Draft(table_name=name, action=ALL, expression=expression, description=description),
            tx.now,
        )
        for name, expression, description in wanted
        if (ALL, name, ALL) not in there
    ]
    await add_policies(tx.db, added)
    for policy in added:
        tx.emit(PolicyAdded(user_id=None, **told(policy)))
