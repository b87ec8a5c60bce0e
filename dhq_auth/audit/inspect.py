"""Looking through the log of a database, in small steps: of whatever size, it needs little memory.

Between two steps others may write, seal and remove: each step sees one state of the database.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from dhq_auth.audit.check import Check, Seen
from dhq_auth.audit.sealed import store
from dhq_auth.audit.sealing import OVERDUE
from dhq_auth.db import Database, Db
from dhq_auth.duties import store as duties

PAGE: Final = 1000
"""Rows that are looked at in one step."""


async def inspect(
    database: Database, key: str | None, now: datetime, *, seen: Seen | None = None
) -> Check:
    """Check the whole log, its seals by *key*, and that the row which was *seen* is still there."""
    check = Check(key, seen)
    after: tuple[int, int] | None = None
    while True:
        async with database.read() as db:
            if (anchor := await store.anchor(db)) is not None:
                check.begin(anchor)
            rows = await store.page(db, after, PAGE + 1)
            page = rows[:PAGE]
            if len(rows) <= PAGE:
                await _to_the_end(db, check, page, now)
                return check
            after = page[-1]["position"], page[-1]["id"]
            seals = await store.seals_between(db, check.position, page[-1]["position"])
        check.rows_and_seals(page, seals)


async def _to_the_end(db: Db, check: Check, rows: Sequence[store.Record], now: datetime) -> None:
    newest = await store.newest_seal(db)
    last = await store.last_position(db)
    check.rows_and_seals(rows, await store.seals_between(db, check.position, last))
    check.end(newest, await duties.counter(db, duties.AUDIT), last)
    count, oldest = await store.waiting(db)
    if oldest is not None and now - oldest > OVERDUE:
        check.overdue(count, oldest)
    check.waiting = count
