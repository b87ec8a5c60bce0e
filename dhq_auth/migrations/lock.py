"""One upgrade at a time: a row that each changes first, since not every engine has other locks.

SQLite has its one writer. CockroachDB and YugabyteDB have no advisory locks like PostgreSQL's.
"""

from typing import Final

from sqlalchemy import Column, Connection, Integer, Table, inspect, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from dhq_auth import faults
from dhq_auth.db import Database, Db, metadata
from dhq_auth.engine import upsert
from dhq_auth.errors import Conflict

migration_lock = Table(
    "migration_lock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("taken", Integer, nullable=False),
)
"""One row; `taken` says how often."""

TRIES: Final = 20
_EXISTS: Final = ("42P07", "42710")
"""SQLSTATE: there is such a table; such a type, which PostgreSQL makes along with a table."""


async def prepare(database: Database) -> None:
    """Let the lock be there; several may try at once. Raises Unavailable as `transact` does."""
    async with database.read() as db:
        if await db.run_sync(_is_there):
            return
    for attempt in range(1, TRIES + 1):
        try:
            await _make(database)
        except (Conflict, DBAPIError) as error:
            # Somebody else makes it: PostgreSQL looks whether it exists, and goes on as if it did not.
            made = isinstance(error, Conflict) or faults.code(error) in _EXISTS
            if not made or attempt == TRIES:
                raise
        else:
            return


async def take(db: Db) -> None:
    """Wait until nobody else has the lock, and have it until the end of the transaction.

    It is a change: at SERIALIZABLE who has waited for a mere lock would go on with what was there
    before; so he is told to begin anew, and sees what the other did.
    """
    await db.execute(update(migration_lock).values(taken=migration_lock.c.taken + 1))


def _is_there(connection: Connection) -> bool:
    if not inspect(connection).has_table(migration_lock.name):
        return False
    return connection.execute(migration_lock.select()).first() is not None


async def _make(database: Database) -> None:
    """Make the table, then its row; not every engine likes to do both in one transaction."""

    async def make_table(db: Db) -> None:
        await db.execute(CreateTable(migration_lock, if_not_exists=True))

    async def make_row(db: Db) -> None:
        row = upsert(db, migration_lock).values(id=1, taken=0)
        await db.execute(row.on_conflict_do_nothing())

    await database.transact(make_table)
    await database.transact(make_row)
