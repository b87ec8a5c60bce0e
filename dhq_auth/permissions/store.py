"""What each user was last granted in each service, so that a change is noticed."""

from datetime import datetime
from typing import Final

from sqlalchemy import Column, ColumnElement, ForeignKey, String, Table, bindparam, select, update

from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.engine import upsert
from dhq_auth.question import Question
from dhq_auth.work import Work

permission_grants = Table(
    "permission_grants",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("service", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("granted_at", Timestamp, nullable=False),
)


_LAST: Final = Question(
    "LastGrant",
    select(permission_grants.c.digest).where(
        permission_grants.c.user_id == bindparam("user_id"),
        permission_grants.c.service == bindparam("service"),
    ),
)


async def last_grant(work: Work, user_id: str, service: str) -> str | None:
    """Return the digest of what the user was last granted in *service*."""
    rows = await work.ask(_LAST, user_id=user_id, service=service)
    return rows[0].digest if rows else None


async def add_grant(db: Db, user_id: str, service: str, digest: str, now: datetime) -> bool:
    """Keep a first grant; say whether it was the first. Raises Conflict for a user who is gone."""
    statement = upsert(db, permission_grants).values(
        user_id=user_id, service=service, digest=digest, granted_at=now
    )
    added = statement.on_conflict_do_nothing().returning(permission_grants.c.user_id)
    return (await db.execute(added)).first() is not None


async def change_grant(db: Db, user_id: str, service: str, digest: str, now: datetime) -> bool:
    """Keep what is granted now; say whether it was something else before."""
    changed = (
        update(permission_grants)
        .where(*_of(user_id, service), permission_grants.c.digest != digest)
        .values(digest=digest, granted_at=now)
        .returning(permission_grants.c.user_id)
    )
    return (await db.execute(changed)).first() is not None


def _of(user_id: str, service: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    table = permission_grants.c
    return table.user_id == user_id, table.service == service
