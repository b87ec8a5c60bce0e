"""A small table in PostgreSQL, and who sees which of its rows."""

import sqlalchemy as sa

from dhq_auth.sdk.row_security import rls_sql
from tests.policies.renderings import APPLICATION, caller, connected
from tests.policies.rows import ADA, ADMIN

notes = sa.Table(
    "notes",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.Text, index=True),
    sa.Column("title", sa.Text),
    sa.Column("other", sa.Text),
)
ROWS = [
    {"id": 1, "user_id": ADA.id, "title": "a", "other": "B"},
    {"id": 2, "user_id": ADMIN.id, "title": "B", "other": "a"},
    {"id": 3, "user_id": None, "title": "ä", "other": None},
]


async def seen(url, user, action="read", role=APPLICATION):
    """Return the ids that *user* sees under *action*."""
    async with connected(url, role) as connection, connection.transaction():
        statement, values = rls_sql(caller(user), action)
        await connection.execute(statement, *values)
        found = await connection.fetch("SELECT id FROM notes ORDER BY id")
        return [row["id"] for row in found]


async def as_superuser(url: str, *statements: str):
    async with connected(url) as connection:
        return [await connection.fetch(statement) for statement in statements][-1]
