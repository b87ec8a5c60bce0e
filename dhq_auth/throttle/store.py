"""The counters that every process shares, one row each."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Index, Integer, String, Table, case, delete, or_, select

from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.engine import upsert

rate_limits = Table(
    "rate_limits",
    metadata,
    # A digest: what people type for a name may be a password.
    Column("key", String(64), primary_key=True),
    Column("hits", Integer, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Index(None, "expires_at"),
)


@dataclass(frozen=True, slots=True)
class Counter:
    """How many there were, and when they are forgotten."""

    hits: int
    expires_at: datetime


async def hit(db: Db, key: str, *, now: datetime, window: timedelta, amount: int = 1) -> Counter:
    """Count *amount* more of *key*, in one statement: of many at once each gets its own number.

    A counter begins anew when its time is over, and also when that is more than two windows away,
    which is so only where the clock was set back: nobody waits for long for that.
    """
    statement = upsert(db, rate_limits).values(key=key, hits=amount, expires_at=now + window)
    end = rate_limits.c.expires_at
    over = or_(end <= now, end > now + 2 * window)
    counted = await db.execute(
        statement.on_conflict_do_update(
            index_elements=[rate_limits.c.key],
            set_={
                "hits": case((over, amount), else_=rate_limits.c.hits + amount),
                "expires_at": case((over, statement.excluded.expires_at), else_=end),
            },
        ).returning(rate_limits.c.hits, end)
    )
    return Counter(*counted.one())


async def counter(db: Db, key: str, now: datetime) -> Counter | None:
    """Return the counter of *key*, if its time is not over."""
    found = await db.execute(
        select(rate_limits.c.hits, rate_limits.c.expires_at).where(
            rate_limits.c.key == key, rate_limits.c.expires_at > now
        )
    )
    row = found.one_or_none()
    return Counter(*row) if row else None


async def forget(db: Db, key: str) -> None:
    """Begin *key* anew."""
    await db.execute(delete(rate_limits).where(rate_limits.c.key == key))


async def forget_all(db: Db) -> int:
    """Begin everything anew; return how many counters there were."""
    return len((await db.execute(delete(rate_limits).returning(rate_limits.c.key))).all())


async def prune(db: Db, now: datetime, limit: int) -> int:
    """Forget up to *limit* counters whose time is over; return how many.

    What somebody is counting at is left for later: to wait for it could be to wait for each other.
    """
    old = (
        select(rate_limits.c.key)
        .where(rate_limits.c.expires_at < now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    gone = delete(rate_limits).where(rate_limits.c.key.in_(old)).returning(rate_limits.c.key)
    return len((await db.execute(gone)).all())
