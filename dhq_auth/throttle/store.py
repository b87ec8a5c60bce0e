"""The rows of limits that every process shares."""

from sqlalchemy import Column, Index, Integer, String, Table

from dhq_auth.db import Timestamp, metadata

rate_limits = Table(
    "rate_limits",
    metadata,
    # A digest: what people type for a name may be a password.
    Column("key", String(64), primary_key=True),
    Column("hits", Integer, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Index(None, "expires_at"),
)
