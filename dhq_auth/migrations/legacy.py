"""The database of dhq-auth 0.1.6, which becomes one of ours: a single table, `users`."""

from typing import Final

from sqlalchemy import Connection, inspect

from dhq_auth.errors import StartRefused

COLUMNS: Final = ("id", "provider_id", "username", "name", "email", "avatar_url", "join_date")
"""The columns of its table."""


def holds_users(connection: Connection) -> bool:
    """Whether the users of 0.1.6 are there; raises StartRefused for those of somebody else.

    Asked of a database that has no revision of ours.
    """
    database = inspect(connection)
    if not database.has_table("users"):
        return False
    found = {column["name"] for column in database.get_columns("users")}
    if found != set(COLUMNS):
        raise StartRefused(
            "DATABASE_URL: there is a table users which is not that of dhq-auth 0.1.6: it has "
            f"{', '.join(sorted(found))}; give dhq-auth a database of its own"
        )
    return True
