"""What is in a database, seen from outside: nothing is changed by looking."""

from enum import StrEnum

from sqlalchemy import Connection, inspect

from dhq_auth.db import Database, sqlite_path
from dhq_auth.migrations import HEAD, config, current

USERS_OF_0_1_6 = {"id", "provider_id", "username", "name", "email", "avatar_url", "join_date"}
"""The columns of the one table of dhq-auth 0.1.6."""


class State(StrEnum):
    """How a database stands to what this version needs."""

    CURRENT = "current"
    MISSING = "missing"
    """There is no such file yet."""
    EMPTY = "empty"
    """It has no table of ours."""
    OLDER = "older"
    NEWER = "newer"
    LEGACY = "0.1.6"
    FOREIGN = "foreign"
    """It has a table `users` that is not of dhq-auth."""


async def state_of(database: Database) -> tuple[State, str | None]:
    """Return how *database* stands to HEAD, and the revision that it has.

    Raises Unavailable when the database does not answer.
    """
    path = sqlite_path(database.url)
    if path is not None and not path.exists():
        return State.MISSING, None
    if (revision := await current(database)) == HEAD:
        return State.CURRENT, revision
    async with database.read() as db:
        if revision is None:
            return await db.run_sync(_without_revision), None
        return await db.run_sync(_with_revision, revision), revision


def _without_revision(connection: Connection) -> State:
    tables = inspect(connection)
    if not tables.has_table("users"):
        return State.EMPTY
    columns = {column["name"] for column in tables.get_columns("users")}
    return State.LEGACY if columns == USERS_OF_0_1_6 else State.FOREIGN


def _with_revision(connection: Connection, revision: str) -> State:
    # Loading Alembic takes a while, and a database that is up to date needs none of it.
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    known = ScriptDirectory.from_config(config(connection)).walk_revisions()
    return State.OLDER if revision in {each.revision for each in known} else State.NEWER
