"""The keys that we keep, and what was revoked before its time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    exists,
    select,
    tuple_,
    update,
)

from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.engine import upsert
from dhq_auth.revocations import store as feed

KEPT_LONGER: Final = timedelta(hours=1)
"""How long a revocation outlives its token: leeway, and clocks that are set back."""


class KeyPurpose(StrEnum):
    """What a key signs; no key signs both, so that one kind of token cannot pass for the other."""

    LOGIN = "login"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A signing key as it lies in the database: its private half is wrapped by SECRET_KEY."""

    kid: str
    purpose: KeyPurpose
    generation: int
    private_key: str = field(repr=False)
    created_at: datetime


signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("private_key", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    # From when on it signs, until a newer one does; None: since it was made.
    Column("signs_from", Timestamp),
    # Seconds that the longest-lived of its tokens lives.
    Column("longest_lifetime", Integer),
    UniqueConstraint("purpose", "generation"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
)

revocations = Table(
    "revocations",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("value", String(128), primary_key=True),
    Column("revoked_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Index(None, "expires_at"),
)


async def stored_keys(db: Db) -> Sequence[StoredKey]:
    """Return every key, the newest generation of each purpose first."""
    rows = await db.execute(select(signing_keys).order_by(signing_keys.c.generation.desc()))
    return [
        StoredKey(row.kid, KeyPurpose(row.purpose), row.generation, row.private_key, row.created_at)
        for row in rows
    ]


async def add_key(db: Db, key: StoredKey) -> None:
    """Keep *key* unless its generation is there already: among replicas one wins."""
    await db.execute(
        upsert(db, signing_keys)
        .values(
            kid=key.kid,
            purpose=key.purpose,
            generation=key.generation,
            private_key=key.private_key,
            created_at=key.created_at,
        )
        .on_conflict_do_nothing()
    )


async def rewrap_key(db: Db, kid: str, before: str, after: str) -> None:
    """Keep the key *kid* as *after*, unless somebody else has replaced *before* already."""
    await db.execute(
        update(signing_keys)
        .where(signing_keys.c.kid == kid, signing_keys.c.private_key == before)
        .values(private_key=after)
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
