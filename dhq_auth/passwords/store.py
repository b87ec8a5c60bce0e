"""The rows of passwords."""

from sqlalchemy import Column, ForeignKey, Table, Text

from dhq_auth.db import Timestamp, metadata

passwords = Table(
    "passwords",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", Text, nullable=False),
    # The email that it was registered with, verified or not: it may be used in place of a name.
    Column("email_key", Text, unique=True),
    Column("changed_at", Timestamp, nullable=False),
    # Of a password that the program made: until then it must be changed.
    Column("expires_at", Timestamp),
)
