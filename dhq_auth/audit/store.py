"""The rows of the audit log: written with each change, read by operators."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
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
is_unsealed = audit_events.c.position.is_(None)
"""These rows have an index of their own (`migrations.partial`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows are asked for; what is None does not matter.

    `user_id` is whom a row is about, or who did it; `kind` is one kind, or what several begin with
    up to a dot; `since` is the first moment that counts, `until` the first that does no more.
    """

    user_id: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what holds for the rows, and no others."""
        table, found = audit_events.c, []
        if self.user_id is not None:
            found.append(or_(table.user_id == self.user_id, table.actor == self.user_id))
        if self.kind is not None:
            kind = self.kind.removesuffix(".")
            below = table.kind.startswith(f"{kind}.", autoescape=True)
            found.append(or_(table.kind == kind, below))
        if self.since is not None:
            found.append(table.at >= self.since)
        if self.until is not None:
            found.append(table.at < self.until)
        return found


EVERYTHING = Wanted()


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
    db: Db, limit: int, wanted: Wanted = EVERYTHING, *, before: int | None = None
) -> list[dict[str, Any]]:
    """Return the last *limit* rows, the newest first; those older than the row *before*."""
    columns = [each for each in audit_events.c if each.name != "hash"]
    rows = select(*columns).where(*wanted.conditions()).order_by(audit_events.c.id.desc())
    if before is not None:
        rows = rows.where(audit_events.c.id < before)
    return [dict(row) for row in (await db.execute(rows.limit(limit))).mappings()]
