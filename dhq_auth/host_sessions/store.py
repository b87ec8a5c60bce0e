"""The rows of sessions on other hosts."""

from sqlalchemy import Column, ForeignKey, Index, String, Table

from dhq_auth.db import Timestamp, metadata

host_sessions = Table(
    "host_sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("session_id", ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("origin", String(300), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp),
    Index(None, "expires_at"),
)
