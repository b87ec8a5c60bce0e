"""The rows of logins under way, and of one-time codes. No secret is in them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Index, String, Table, Text, delete, func, insert, select

from dhq_auth.db import Db, Timestamp, metadata

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("state_digest", String(64), primary_key=True),
    Column("browser_digest", String(64), nullable=False),
    Column("provider", String(32), nullable=False),
    Column("next", Text),
    Column("code_challenge", String(128)),
    Column("expires_at", Timestamp, nullable=False),
    Index(None, "expires_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A login under way: which provider was asked, by which browser, and where it leads.

    `code_challenge` is set where the application asked for a one-time code (RFC 7636 4.2).
    """

    state_digest: str
    browser_digest: str
    provider: str
    next: str | None
    code_challenge: str | None
    expires_at: datetime


async def add_attempt(db: Db, attempt: Attempt) -> None:
    """Remember *attempt* until its callback comes or its time is over."""
    values = {name: getattr(attempt, name) for name in Attempt.__dataclass_fields__}
    await db.execute(insert(login_attempts).values(**values))


async def is_under_way(db: Db, state_digest: str) -> bool:
    """Whether there is a login of this `state`."""
    found = select(login_attempts.c.state_digest).where(
        login_attempts.c.state_digest == state_digest
    )
    return (await db.execute(found)).first() is not None


async def take_attempt(db: Db, state_digest: str) -> Attempt | None:
    """Spend the attempt of a `state`: whoever comes second gets None."""
    taken = await db.execute(
        delete(login_attempts)
        .where(login_attempts.c.state_digest == state_digest)
        .returning(*login_attempts.c)
    )
    row = taken.one_or_none()
    return Attempt(**row._mapping) if row else None  # noqa: SLF001 - SQLAlchemy's public API


async def count_attempts(db: Db) -> int:
    """Return how many logins are under way."""
    return (await db.execute(select(func.count()).select_from(login_attempts))).scalar_one()


async def prune(db: Db, now: datetime, limit: int) -> int:
    """Forget up to *limit* attempts whose time is over; return how many."""
    key = login_attempts.c.state_digest
    old = select(key).where(login_attempts.c.expires_at < now).limit(limit)
    old = old.with_for_update(skip_locked=True)  # replicas prune at the same time
    gone = delete(login_attempts).where(key.in_(old)).returning(key)
    return len((await db.execute(gone)).all())
