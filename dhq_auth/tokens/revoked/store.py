"""Tokens that were revoked by themselves, before their time."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Index, String, Table, delete, exists, select, tuple_

from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.engine import upsert
from dhq_auth.revocations import store as feed
from dhq_auth.tokens.store import KEPT_LONGER

revocations = Table(
    "revocations",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("value", String(128), primary_key=True),
    Column("revoked_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Index(None, "expires_at"),
)


async def revoke_token(db: Db, token_id: str, now: datetime, expires_at: datetime) -> bool:
    """Refuse the token of *token_id* (`jti`, RFC 7519 4.1.7) until it would expire anyway.

    Says whether it was good so far.
    """
    added = await db.execute(
        upsert(db, revocations)
        .values(kind="jti", value=token_id, revoked_at=now, expires_at=expires_at)
        .on_conflict_do_nothing()
        .returning(revocations.c.value)
    )
    if added.one_or_none() is None:
        return False
    await feed.add(db, "jti", token_id, now)
    return True


def is_revoked(token_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that a token was revoked by itself.

    All the tokens of a user are revoked by ending the sessions that they name.
    """
    return exists().where(revocations.c.kind == "jti", revocations.c.value == token_id)


async def prune(db: Db, now: datetime, limit: int) -> int:
    """Forget up to *limit* revocations of tokens that have long expired by themselves."""
    r = revocations.c
    old = select(r.kind, r.value).where(r.expires_at < now - KEPT_LONGER).limit(limit)
    old = old.with_for_update(skip_locked=True)  # replicas prune at the same time
    gone = await db.execute(
        delete(revocations).where(tuple_(r.kind, r.value).in_(old)).returning(r.value)
    )
    return len(gone.all())
