"""The rows of the audit log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Index,
    Integer,
    String,
    Table,
    insert,
    or_,
    select,
)

from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.events import Event, Source

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", Timestamp, nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("user_id", String(128), index=True),
    # Who did it: the id of a user, or `operator`; None where nobody had signed in.
    Column("actor", String(128), index=True),
    Column("address", String(64)),
    Column("request_id", String(64)),
    Column("detail", JSON, nullable=False),
    # Given by the sealing step, after the commit.
    Column("position", BigInteger),
    Column("hash", String(64)),
    Index("uq_audit_events_position", "position", unique=True),
)
_unsealed = audit_events.c.position.is_(None)
Index(
    "ix_audit_events_unsealed",
    audit_events.c.id,
    sqlite_where=_unsealed,
    postgresql_where=_unsealed,
)

audit_seals = Table(
    "audit_seals",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    # The position of the seal before.
    Column("previous", BigInteger, nullable=False),
    Column("sealed_at", Timestamp, nullable=False),
    # When the rows up to here were removed: this seal is the anchor of those that are left.
    Column("pruned_at", Timestamp),
    Column("mac", String(64), nullable=False),
)


async def append(db: Db, events: Sequence[Event], source: Source, at: datetime) -> None:
    """Remember *events*; no foreign key: the log outlives the user."""
    rows = [
        {
            "at": at,
            "kind": event.kind,
            "user_id": event.user_id,
            "actor": source.actor,
            "address": source.address,
            "request_id": source.request_id,
            "detail": event.detail,
        }
        for event in events
    ]
    if rows:
        await db.execute(insert(audit_events), rows)


async def latest(
    db: Db, limit: int, *, user_id: str | None = None, kind: str | None = None
) -> list[dict[str, Any]]:
    """Return the last *limit* rows, the newest first.

    With *user_id* only that user's; with *kind* that one, or all that begin with it and a dot.
    """
    rows = select(audit_events).order_by(audit_events.c.id.desc()).limit(limit)
    if user_id is not None:
        rows = rows.where(audit_events.c.user_id == user_id)
    if kind is not None:
        kind = kind.removesuffix(".")
        below = audit_events.c.kind.startswith(f"{kind}.", autoescape=True)
        rows = rows.where(or_(audit_events.c.kind == kind, below))
    return [dict(row) for row in (await db.execute(rows)).mappings()]
