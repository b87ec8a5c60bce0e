"""The one table of the service."""

from sqlalchemy import Boolean, Column, MetaData, String, Table, Text, false

metadata = MetaData()
notes = Table(
    "notes",
    metadata,
    Column("id", String(32), primary_key=True),
    # Whose note it is: the column that the default policy (user_id = auth_user.id) speaks of.
    Column("user_id", String(128), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("published", Boolean, nullable=False, server_default=false()),
)
