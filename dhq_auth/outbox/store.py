"""The rows of the outbox."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text

from dhq_auth.db import Timestamp, metadata

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("destination", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("made_at", Timestamp, nullable=False),
    Column("attempts", Integer, nullable=False),
    # When it is tried next; None: delivered, or given up.
    Column("due_at", Timestamp),
    Column("delivered_at", Timestamp),
    Column("given_up_at", Timestamp),
    Column("error", Text),
    Index(None, "due_at"),
    Index(None, "made_at"),
)
