"""What each user was last granted in each service, so that a change is noticed."""

from sqlalchemy import Column, ForeignKey, String, Table

from dhq_auth.db import Timestamp, metadata

permission_grants = Table(
    "permission_grants",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("service", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("granted_at", Timestamp, nullable=False),
)
