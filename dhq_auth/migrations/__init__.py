"""The schema and its history: Alembic revisions, applied at the start under a lock."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from dhq_auth.db import Database, Db
from dhq_auth.errors import StartRefused
from dhq_auth.migrations import legacy

if TYPE_CHECKING:  # a start on a database that is up to date pays nothing for Alembic
    from alembic.config import Config

log = logging.getLogger(__name__)

HEAD: Final = "0004"
"""The revision that this version of the program needs."""
PATIENCE: Final = 600.0
"""Seconds for an upgrade, or for somebody else's to end."""


async def current(database: Database) -> str | None:
    """Return the revision of *database*, or None if it has none yet."""
    async with database.read() as db:
        return await db.run_sync(_revision)


async def upgrade(database: Database) -> str | None:
    """Bring *database* to HEAD and return the revision that it had; several may try at once.

    A database of dhq-auth 0.1.6 is upgraded in place. All of it is one transaction. Raises
    StartRefused for a database that a newer program made, or that holds somebody else's users.
    """
    if (before := await current(database)) == HEAD:
        return before
    from dhq_auth.migrations import lock  # noqa: PLC0415 - it needs what is here

    async def upgrade_alone(db: Db) -> tuple[str | None, bool]:
        await lock.take(db)
        if db.dialect.name == "sqlite":
            return await db.run_sync(_upgrade)
        # On another connection: CockroachDB commits before each change of the schema, and would
        # let go of the lock with that.
        async with database.patient(PATIENCE) as upgrading:
            return await upgrading.transact(lambda db: db.run_sync(_upgrade))

    async with database.patient(PATIENCE) as patient:
        async with patient.read() as db:  # in somebody else's database nothing is made
            await db.run_sync(_see_whose_it_is)
        await lock.prepare(patient)
        before, upgraded = await patient.transact(upgrade_alone)
    if upgraded:
        log.info("the database was upgraded from %s to %s", before or "nothing", HEAD)
    return before


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _upgrade(connection: Connection) -> tuple[str | None, bool]:
    """Return the revision that there was, and whether anything had to be done."""
    from alembic import command  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    from dhq_auth.migrations import history  # noqa: PLC0415

    if (before := _revision(connection)) == HEAD:  # somebody else was faster
        return before, False
    configuration = config(connection)
    known = {each.revision for each in ScriptDirectory.from_config(configuration).walk_revisions()}
    if before is not None and before not in known:
        _see_whether_newer_will_do(connection, before)
        return before, False
    logging.getLogger("alembic").setLevel(logging.WARNING)
    steps = history.steps_after(connection, before)
    command.upgrade(configuration, "head")
    history.note_oldest(connection, steps)
    return before, True


def _see_whose_it_is(connection: Connection) -> None:
    """Raise StartRefused for a database of somebody else."""
    if _revision(connection) is None:
        legacy.holds_users(connection)


def _see_whether_newer_will_do(connection: Connection, revision: str) -> None:
    """Raise StartRefused unless the newer program that made *revision* has left room for us."""
    from dhq_auth.migrations import history  # noqa: PLC0415

    oldest = history.oldest_program(connection)
    if oldest is None or oldest > HEAD:
        raise StartRefused(
            f"DATABASE_URL: the database is at revision {revision}, which this version of dhq-auth "
            f"does not know (it needs {HEAD}): start the newer version that upgraded it"
        )
    log.info("the database is at %s, of a newer version; this one works beside it", revision)


def config(connection: Connection) -> "Config":
    """Return Alembic's configuration for *connection*, which is inside a transaction."""
    from alembic.config import Config  # noqa: PLC0415

    result = Config()
    result.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    result.attributes["connection"] = connection
    return result
