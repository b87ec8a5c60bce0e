"""The rows of the revocation feed."""

from sqlalchemy import BigInteger, Column, Index, String, Table

from dhq_auth.db import Timestamp, metadata

revocation_feed = Table(
    "revocation_feed",
    metadata,
    Column("id", String(64), primary_key=True),
    # Given by the sealing step, after the commit: who follows never misses one that came late.
    Column("position", BigInteger),
    Column("kind", String(8), nullable=False),
    Column("value", String(128), nullable=False),
    Column("revoked_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Index("uq_revocation_feed_position", "position", unique=True),
    Index(None, "expires_at"),
)
