"""What is in a database, seen from outside: nothing is changed by looking."""

from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect

from dhq_auth.db import Database, sqlite_path
from dhq_auth.migrations import HEAD, config, current, legacy

if TYPE_CHECKING:
    from dhq_auth.migrations.history import Step


class State(StrEnum):
    """How a database stands to what this version needs."""

    CURRENT = "current"
    MISSING = "missing"
    """There is no such file yet."""
    EMPTY = "empty"
    """It has no table of ours."""
    OLDER = "older"
    NEWER = "newer"
    AHEAD = "ahead"
    """A newer version has upgraded it, and left room for this one."""
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
    return State.LEGACY if columns == set(legacy.COLUMNS) else State.FOREIGN


def _with_revision(connection: Connection, revision: str) -> State:
    # Loading Alembic takes a while, and a database that is up to date needs none of it.
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    from dhq_auth.migrations.history import oldest_program  # noqa: PLC0415

    known = ScriptDirectory.from_config(config(connection)).walk_revisions()
    if revision in {each.revision for each in known}:
        return State.OLDER
    oldest = oldest_program(connection)
    return State.AHEAD if oldest is not None and oldest <= HEAD else State.NEWER


async def steps_of(database: Database, revision: str | None) -> "list[Step]":
    """Return what an upgrade of *database*, which is at *revision*, would do, in order."""
    from dhq_auth.migrations.history import steps_after  # noqa: PLC0415 - it loads Alembic

    path = sqlite_path(database.url)
    if path is not None and not path.exists():
        return []
    async with database.read() as db:
        return await db.run_sync(steps_after, revision)
