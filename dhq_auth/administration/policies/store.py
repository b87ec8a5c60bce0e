"""Policies in pages, of those that are meant."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select, tuple_

from dhq_auth.administration.conditions.store import holds
from dhq_auth.db import Db
from dhq_auth.policies.store import Key, Policy, policies, policy_of
from dhq_auth.sdk.tree import Tree


async def policies_after(
    db: Db,
    limit: int,
    after: Key | None = None,
    *,
    chosen: Mapping[str, str],
    tree: Tree | None = None,
) -> Sequence[Policy]:
    """Return up to *limit* policies in the order of what they are for: those beyond *after*.

    *chosen* names the fields by which they are chosen. With *tree*, which is fitted to policies,
    those alone for which it holds.
    """
    p = policies.c
    key = (p.service, p.table_name, p.action)
    found = select(policies).order_by(*key).limit(limit)
    found = found.where(*(p[name] == value for name, value in chosen.items()))
    if after is not None:
        found = found.where(tuple_(*key) > tuple_(*after))
    if tree is not None:
        found = found.where(holds(tree, policies, db.dialect.name))
    return [policy_of(row) for row in await db.execute(found)]
