"""What is older than AUDIT_RETENTION is removed: whole batches, from the first, up to a seal.

The seal of the last batch that was removed stays, as the anchor from which the rest is checked.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from dhq_auth.audit.chain import Seal, holds, signed
from dhq_auth.audit.sealed import store
from dhq_auth.db import Database, Db
from dhq_auth.duties.store import AUDIT, hold

_LOOK: Final = 20
"""Seals of an age that are looked at: the first that holds decides."""


async def forget(database: Database, key: str, now: datetime, before: datetime) -> int:
    """Remove the first batch if it was sealed *before* that time; return how many rows it had.

    There is nothing to do, either, where another process seals or removes. A batch that a wrong clock
    sealed in the future, and one whose seal does not hold, goes with those after it.
    """
    return await database.transact(lambda db: _forgotten(db, key, now, before))


async def _forgotten(db: Db, key: str, now: datetime, before: datetime) -> int:
    if await hold(db, AUDIT) is None:
        return 0
    first = await store.anchor(db)
    start = first.position if first else 0
    over = await _first_that_holds(db, key, start, None, before)
    if over is None:
        return 0
    young = await _first_that_holds(db, key, start, before, now)
    if young is not None and young.position < over.position:
        return 0
    return await store.cut_off(db, signed(key, replace(over, pruned_at=now)))


async def _first_that_holds(
    db: Db, key: str, after: int, since: datetime | None, until: datetime
) -> Seal | None:
    found = await store.seals_of_age(db, after, since=since, until=until, limit=_LOOK)
    return next((seal for seal in found if holds(key, seal)), None)
