"""The keys that we keep, and what was revoked before its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    exists,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite

from dhq_auth.db import Db, Timestamp, metadata


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
    private_key: str
    created_at: datetime


signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("private_key", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    UniqueConstraint("purpose", "generation"),
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


def upsert(db: Db, table: Table) -> Any:
    """Return an INSERT on *table* that knows ON CONFLICT, in the dialect of *db*."""
    insert = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    return insert(table)


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


async def revoke_token(db: Db, token_id: str, now: datetime, expires_at: datetime) -> None:
    """Refuse the token of *token_id* (`jti`, RFC 7519 4.1.7) until it would expire anyway."""
    await _revoke(db, "jti", token_id, now, expires_at)


async def revoke_user(db: Db, user_id: str, now: datetime, expires_at: datetime) -> None:
    """Refuse every token of *user_id* that was issued up to *now*."""
    await _revoke(db, "user", user_id, now, expires_at)


def is_revoked(
    token_id: ColumnElement[Any], user_id: ColumnElement[Any], issued_at: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Return the condition that a token is revoked, by itself or with all of its user."""
    r = revocations.c
    return exists().where(
        or_(
            and_(r.kind == "jti", r.value == token_id),
            and_(r.kind == "user", r.value == user_id, r.revoked_at >= issued_at),
        )
    )


async def prune(db: Db, now: datetime, limit: int) -> int:
    """Forget up to *limit* revocations of tokens that have expired by themselves."""
    r = revocations.c
    old = select(r.kind, r.value).where(r.expires_at < now).limit(limit)
    gone = await db.execute(
        delete(revocations).where(tuple_(r.kind, r.value).in_(old)).returning(r.value)
    )
    return len(gone.all())


async def _revoke(db: Db, kind: str, value: str, now: datetime, expires_at: datetime) -> None:
    statement = upsert(db, revocations).values(
        kind=kind, value=value, revoked_at=now, expires_at=expires_at
    )
    await db.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "value"],
            set_={"revoked_at": now, "expires_at": expires_at},
        )
    )
