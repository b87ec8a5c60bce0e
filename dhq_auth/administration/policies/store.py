"""Policies in pages, of those that are meant."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select, tuple_

from dhq_auth.db import Db
from dhq_auth.policies.store import Key, Policy, policies, policy_of
from dhq_auth.sdk.decision import Decision
from dhq_auth.sdk.statements import rows


async def policies_after(
    db: Db,
    limit: int,
    after: Key | None = None,
    *,
    chosen: Mapping[str, str],
    decision: Decision,
) -> Sequence[Policy]:
    """Return up to *limit* policies in the order of what they are for: those beyond *after*.

    *chosen* names the fields by which they are chosen; of those, they are what may be read by
    *decision*.
    """
    p = policies.c
    key = (p.service, p.table_name, p.action)
    found = select(policies).order_by(*key).limit(limit)
    found = found.where(*(p[name] == value for name, value in chosen.items()))
    if after is not None:
        found = found.where(tuple_(*key) > tuple_(*after))
    return [policy_of(row) for row in await db.execute(rows(found, decision))]
