"""The row that says that the setup is done; users in pages, of those that are meant; counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    Integer,
    Table,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
)

from dhq_auth.accounts.store import USER_COLUMNS, User, fold_email, user_of, users
from dhq_auth.api_tokens.store import api_tokens
from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.passwords.store import passwords
from dhq_auth.sdk.decision import Decision
from dhq_auth.sdk.statements import rows
from dhq_auth.sessions.store import sessions

setup = Table(
    "setup",
    metadata,
    # There is one row at most: of two who do the setup at once, one finds it there.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("done_at", Timestamp, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are: enabled users, and the sessions and API tokens that can be used."""

    users: int
    sessions: int
    tokens: int


async def setup_is_done(db: Db) -> bool:
    """Whether the setup was done, or is needless: there is an administrator."""
    done = exists(select(setup.c.id))
    administrator = exists(select(users.c.id).where(users.c.is_admin))
    return bool((await db.execute(select(or_(done, administrator)))).scalar_one())


async def finish_setup(db: Db, now: datetime) -> None:
    """Let the setup be done; Conflict if it is."""
    await db.execute(insert(setup).values(id=1, done_at=now))


async def users_after(
    db: Db,
    limit: int,
    after: tuple[datetime, str] | None = None,
    *,
    decision: Decision | None = None,
) -> Sequence[User]:
    """Return up to *limit* users, the oldest first: those beyond *after*, a time and an id.

    With *decision*, those alone who may be read by it.
    """
    age = (users.c.created_at, users.c.id)
    found = select(*USER_COLUMNS).order_by(*age).limit(limit)
    if decision is not None:
        found = rows(found, decision)
    if after is not None:
        created_at, user_id = after
        found = found.where(tuple_(*age) > tuple_(literal(created_at, Timestamp), user_id))
    return [user_of(row) for row in await db.execute(found)]


async def users_who_claim(db: Db, email: str, limit: int) -> Sequence[User]:
    """Return up to *limit* users whose password was registered with *email*, verified or not."""
    found = (
        select(*USER_COLUMNS)
        .join(passwords, passwords.c.user_id == users.c.id)
        .where(passwords.c.email_key == fold_email(email))
        .order_by(users.c.created_at, users.c.id)
        .limit(limit)
    )
    return [user_of(row) for row in await db.execute(found)]


async def counts(db: Db, now: datetime) -> Counts:
    """Return how many there are *now*."""
    s, t = sessions.c, api_tokens.c
    enabled = select(func.count()).where(users.c.is_active)
    lasting = select(func.count()).where(or_(s.keep_until.is_(None), s.keep_until > now))
    live = select(func.count()).where(
        t.revoked_at.is_(None), or_(t.expires_at.is_(None), t.expires_at > now)
    )
    parts = (part.scalar_subquery() for part in (enabled, lasting, live))
    return Counts(*(await db.execute(select(*parts))).one())
