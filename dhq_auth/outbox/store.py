"""The rows of the outbox.

`due_at` is when a delivery is tried next; None: it was delivered, or given up. While a process
tries it, that is when the others may think it dead.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)

from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.opaque import new_id

CLOCKS_APART: Final = timedelta(minutes=1)
"""How far the clocks of replicas may be apart; beyond it, a time in the future is a mistake."""
NOBODY: Final = "no process delivers for this extension"

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("destination", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("made_at", Timestamp, nullable=False),
    Column("attempts", Integer, nullable=False),
    # When the last try began, or, before the first, when it was made.
    Column("tried_at", Timestamp, nullable=False),
    Column("due_at", Timestamp),
    Column("delivered_at", Timestamp),
    Column("given_up_at", Timestamp),
    Column("error", Text),
    Index(None, "destination", "due_at"),
    Index(None, "made_at"),
)
_d = deliveries.c

STATES: Final[dict[str, ColumnElement[bool]]] = {
    "pending": _d.due_at.is_not(None),
    "failed": _d.given_up_at.is_not(None),
    "delivered": _d.delivered_at.is_not(None),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the extension *destination* is to be given of an event."""

    destination: str
    kind: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery that is ours until the claim ends; `attempts` counts the try that begins now."""

    id: str
    kind: str
    payload: dict[str, Any]
    attempts: int


async def add(db: Db, wanted: Iterable[Wanted], now: datetime) -> None:
    """Remember that *wanted* is owed from *now* on."""
    rows = [
        {
            "id": new_id(),
            "destination": each.destination,
            "kind": each.kind,
            "payload": each.payload,
            "made_at": now,
            "attempts": 0,
            "tried_at": now,
            "due_at": now,
        }
        for each in wanted
    ]
    await db.execute(insert(deliveries), rows)


async def destinations_due(db: Db, destinations: Iterable[str], now: datetime) -> list[str]:
    """Return which of the *destinations* something is due for; costs an index entry for each."""
    asked = [
        select(literal(each).label("destination")).where(
            exists().where(_d.destination == each, _d.due_at <= now)
        )
        for each in destinations
    ]
    return list((await db.execute(union_all(*asked))).scalars()) if asked else []


async def claim(
    db: Db, destination: str, now: datetime, until: datetime, limit: int
) -> list[Claimed]:
    """Take up to *limit* deliveries that are due, the longest due first, *until* then.

    The try is counted by this, so that one that ends the process is counted too.
    """
    due = (
        select(_d.id)
        .where(_d.destination == destination, _d.due_at <= now)
        .order_by(_d.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taken = (
        update(deliveries)
        .where(_d.id.in_(select(due.c.id)))
        .values(attempts=_d.attempts + 1, tried_at=now, due_at=until)
        .returning(_d.id, _d.kind, _d.payload, _d.attempts)
    )
    return [Claimed(**row) for row in (await db.execute(taken)).mappings()]


async def mark_delivered(db: Db, delivery_id: str, now: datetime) -> None:
    """Note that a delivery arrived, whoever is trying it once more."""
    await db.execute(
        update(deliveries)
        .where(_d.id == delivery_id, _d.delivered_at.is_(None))
        .values(delivered_at=now, due_at=None, given_up_at=None, error=None)
    )


async def mark_failed(
    db: Db, claimed: Claimed, error: str, now: datetime, due_at: datetime | None
) -> None:
    """Note that the try of *claimed* failed; without *due_at* it is given up.

    Nothing is noted where the claim had ended, and somebody else has tried since.
    """
    await db.execute(
        update(deliveries)
        .where(_d.id == claimed.id, _d.attempts == claimed.attempts, STATES["pending"])
        .values(error=error, due_at=due_at, given_up_at=None if due_at else now)
    )


async def set_right(db: Db, destinations: Sequence[str], now: datetime) -> None:
    """Let what was last tried in the future be due now: the clock has been set back."""
    await db.execute(
        update(deliveries)
        .where(
            _d.destination.in_(destinations),
            _d.due_at > now,
            _d.tried_at > now + CLOCKS_APART,
        )
        .values(due_at=now)
    )


async def retry(
    db: Db, now: datetime, *, ids: Sequence[str] = (), failed: bool = False
) -> list[str]:
    """Let deliveries be due now, with all their tries before them; return their ids.

    Those of *ids*, whatever became of them, or all that *failed*.
    """
    which = STATES["failed"] if failed else _d.id.in_(ids)
    again = update(deliveries).where(which)
    again = again.values(attempts=0, due_at=now, delivered_at=None, given_up_at=None)
    return list((await db.execute(again.returning(_d.id))).scalars())


async def newest(db: Db, limit: int, state: str | None = None) -> list[dict[str, Any]]:
    """Return the last *limit* deliveries, the newest first; only those of a *state* of STATES."""
    rows = select(deliveries).order_by(_d.made_at.desc(), _d.id).limit(limit)
    if state is not None:
        rows = rows.where(STATES[state])
    return [dict(row) for row in (await db.execute(rows)).mappings()]


async def counts(db: Db, destinations: Sequence[str]) -> dict[str, tuple[int, datetime]]:
    """Return for each destination how many deliveries are owed, and when the oldest was made."""
    owed = select(_d.destination, func.count(), func.min(_d.made_at))
    owed = owed.where(_d.destination.in_(destinations), STATES["pending"])
    rows = await db.execute(owed.group_by(_d.destination))
    return {name: (count, oldest) for name, count, oldest in rows}


async def prune(
    db: Db, now: datetime, *, kept: timedelta, installed: Collection[str], limit: int
) -> int:
    """Forget up to *limit* deliveries that ended longer than *kept* ago; return how many.

    What is owed stays, for however long nobody was there to deliver it. But as many that have been
    due for as long, for extensions that are not *installed* any more, are given up.
    """
    before = now - kept
    abandoned = (
        select(_d.id)
        .where(_d.due_at < before, _d.made_at < before, _d.destination.not_in(installed))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    await db.execute(
        update(deliveries)
        .where(_d.id.in_(abandoned))
        .values(due_at=None, given_up_at=now, error=NOBODY)
    )
    ended = func.coalesce(_d.delivered_at, _d.given_up_at)
    old = select(_d.id).where(_d.made_at < before, ended < before).limit(limit)
    old = old.with_for_update(skip_locked=True)  # replicas prune at the same time
    gone = await db.execute(delete(deliveries).where(_d.id.in_(old)).returning(_d.id))
    return len(gone.all())
