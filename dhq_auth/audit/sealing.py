"""Sealing: rows are chained after their commit, in batches, by one process for all.

Who writes a row waits for nobody. What commits late is found all the same, since a row that is not
sealed has no position; it gets the next one.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from dhq_auth.audit.chain import GENESIS, Seal, holds, link, signed
from dhq_auth.audit.retention import forget
from dhq_auth.audit.sealed import store
from dhq_auth.clock import Clock, rfc3339
from dhq_auth.db import Database, Db
from dhq_auth.duties.store import AUDIT, advance, hold
from dhq_auth.errors import Unavailable
from dhq_auth.settings import Settings

_log = logging.getLogger(__name__)

PURPOSE: Final = "audit seals"
"""What the key of the seals is derived for."""
BATCH: Final = 500
"""Rows that are sealed in one transaction, and from which on a seal stays where it is."""
OVERDUE: Final = timedelta(minutes=10)
"""How long after it was written a row may wait for its seal."""
INTERVAL: Final = 1.0
BREATH: Final = 0.05
"""Seconds between batches, where there is more than one: those of others come in between."""
FORGETTING: Final = 60
"""Looks for what is not sealed after which it is looked for what is too old, and waits too long."""
TELL_AGAIN: Final = 600
"""Looks after which a fault that lasts is logged again."""


async def seal(database: Database, key: str, now: datetime) -> int:
    """Seal up to BATCH rows; return how many: none, too, where another process is at it.

    A chain that was tampered with goes on where it ends, under a seal of its own: what does not
    fit stays to be found.
    """
    sealed, fits = await database.transact(lambda db: _sealed(db, key, now))
    if not fits:
        _log.error("the audit log was tampered with; `dhq-auth audit verify` says where")
    return sealed


async def _sealed(db: Db, key: str, now: datetime) -> tuple[int, bool]:
    """Seal up to BATCH rows; return how many, and whether what there was fits together."""
    if (counter := await hold(db, AUDIT)) is None:
        return 0, True
    if not (rows := await store.unsealed(db, BATCH)):
        return 0, True
    newest = await store.newest_seal(db, store.MAX_POSITION)
    counted = counter if counter <= store.MAX_POSITION else 0
    end = max(counted, newest.position if newest else 0, await store.last_position(db))
    fits = _fits(newest, key, counter, end)
    last = newest.hash if newest else GENESIS
    for row, position in zip(rows, count(end + 1), strict=False):
        row["position"] = position
        row["hash"] = last = link(last, row)
    await store.chain(db, rows)
    moved = newest if newest and fits and _grows(newest, now) else None
    before = moved.previous if moved else newest.position if newest else 0
    made = Seal(end + len(rows), last, before, now)
    await store.put_seal(db, signed(key, made), instead_of=moved.position if moved else None)
    await advance(db, AUDIT, made.position)
    return len(rows), fits


def _fits(newest: Seal | None, key: str, counter: int, end: int) -> bool:
    """Whether seals, rows and counter end at the same position."""
    if newest is None:
        return end == 0
    return newest.position == end == counter and holds(key, newest)


def _grows(newest: Seal, now: datetime) -> bool:
    """Whether *newest* is of this hour and of few rows: then it moves on, and needs no other."""
    if newest.pruned_at is not None or newest.position - newest.previous >= BATCH:
        return False
    return f"{newest.sealed_at:%Y%m%d%H}" == f"{now:%Y%m%d%H}"


async def keep_sealed(
    database: Database,
    key: Callable[[], str],
    settings: Settings,
    now: Clock,
    *,
    interval: float = INTERVAL,
) -> None:
    """Seal what there is after each *interval*, after sixty remove what AUDIT_RETENTION names too old.

    For as long as the process lives; a failure is logged, and tried again. *interval* is in seconds.
    """
    retention, failures = settings.upkeep.audit_retention, 0
    for look in count(1):
        await asyncio.sleep(interval)
        try:
            if await store.is_waiting(database):
                await _seal_all(database, key(), now)
            if look % FORGETTING == 0:
                await _tell_overdue(database, now())
                if retention:
                    await _forget_all(database, key(), now, retention)
            failures = 0
        except Unavailable:  # which the database has said
            pass
        except Exception:  # noqa: BLE001 - the next second may be a better one
            if failures % TELL_AGAIN == 0:
                _log.exception("the audit log cannot be sealed")
            failures += 1


async def _tell_overdue(database: Database, now: datetime) -> None:
    """Say so where rows wait for long, though nothing fails: another has the duty, or it is gone."""
    async with database.read() as db:
        rows, oldest = await store.waiting(db)
    if oldest is not None and now - oldest > OVERDUE:
        _log.error(
            "%d rows of the audit log are not sealed, the first of %s, and nobody does it",
            *(rows, rfc3339(oldest)),
        )


async def _seal_all(database: Database, key: str, now: Clock) -> None:
    while True:
        if await seal(database, key, now()) < BATCH:
            return
        await asyncio.sleep(BREATH)


async def _forget_all(database: Database, key: str, now: Clock, retention: timedelta) -> None:
    while True:
        if not await forget(database, key, now(), now() - retention):
            return
        await asyncio.sleep(BREATH)
