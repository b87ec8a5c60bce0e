"""The rows of duties: a lock that ends with its transaction, and a counter that only grows."""

from typing import Final

from sqlalchemy import BigInteger, Column, String, Table, select, update

from dhq_auth.db import Db, metadata

AUDIT: Final = "audit"
"""Seals the audit log; the counter is the last position in its chain."""
REVOCATIONS: Final = "revocations"
"""Gives revocations their positions in the feed; the counter is the last."""

duties = Table(
    "duties",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("counter", BigInteger, nullable=False),
)


async def hold(db: Db, name: str) -> int | None:
    """Take the duty *name* until the end of the transaction; return its counter.

    None where another process has it now, and does what there is to do. No clock is asked, and
    who dies lets go.
    """
    held = select(duties.c.counter).where(duties.c.name == name).with_for_update(skip_locked=True)
    return (await db.execute(held)).scalar_one_or_none()


async def advance(db: Db, name: str, counter: int) -> None:
    """Set the counter of the duty *name*, which this transaction holds."""
    await db.execute(update(duties).where(duties.c.name == name).values(counter=counter))


async def counter(db: Db, name: str) -> int:
    """Return the counter of the duty *name*."""
    found = select(duties.c.counter).where(duties.c.name == name)
    return (await db.execute(found)).scalar_one_or_none() or 0
