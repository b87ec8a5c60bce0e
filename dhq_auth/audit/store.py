"""The rows of the audit log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Integer, String, Table, insert, select

from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.events import Event, Source

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", Timestamp, nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("user_id", String(128), index=True),
    Column("address", String(64)),
    Column("request_id", String(64)),
    Column("detail", JSON, nullable=False),
)


async def append(db: Db, events: Sequence[Event], source: Source, at: datetime) -> None:
    """Remember *events*; no foreign key: the log outlives the user."""
    rows = [
        {
            "at": at,
            "kind": event.kind,
            "user_id": event.user_id,
            "address": source.address,
            "request_id": source.request_id,
            "detail": event.detail,
        }
        for event in events
    ]
    if rows:
        await db.execute(insert(audit_events), rows)


async def latest(db: Db, limit: int) -> list[dict[str, Any]]:
    """Return the last *limit* rows, the newest first."""
    rows = await db.execute(select(audit_events).order_by(audit_events.c.id.desc()).limit(limit))
    return [dict(row) for row in rows.mappings()]
