"""The rows of passwords."""

from sqlalchemy import Column, ForeignKey, Table, Text

from dhq_auth.db import Timestamp, metadata

passwords = Table(
    "passwords",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", Text, nullable=False),
    # The email that it was registered with: it may be used in place of a name. Not unique, since
    # nobody has verified it, and who registers must not learn whether another did.
    Column("email_key", Text, index=True),
    Column("changed_at", Timestamp, nullable=False),
    # Of a password that the program made: until then it must be changed.
    Column("expires_at", Timestamp),
)
