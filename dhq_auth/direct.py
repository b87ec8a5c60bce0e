"""The shortest way to a row: the driver itself, without a transaction and, with SQLite, a thread.

A reader of SQLite in WAL mode waits for nobody, and finds a row in some microseconds; to tell a
thread to do it would take longer. What the short way cannot do raises, and the caller takes the long
one: it knows how to wait, and what to say.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from dhq_auth.engine import AsyncEngine

Found = Sequence[Sequence[Any]]


class Direct(Protocol):
    """A way to ask a database for rows."""

    @property
    def is_ready(self) -> bool:
        """Whether this is a way, with this database."""

    async def fetch(self, sql: str, values: Sequence[Any]) -> Found:
        """Return all rows that *sql* finds; raises what the driver raises."""

    def close(self) -> None:
        """Let go of what it has open."""


class DirectSqlite:
    """Rows of an SQLite database, read in the thread of the event loop."""

    def __init__(self, path: Path) -> None:
        self._uri = f"file:{quote(str(path))}?mode=rw"
        self._connection: sqlite3.Connection | None = None

    is_ready = True

    async def fetch(self, sql: str, values: Sequence[Any]) -> Found:
        """Return all rows that *sql* finds; it never waits for a lock."""
        return (self._connection or self._connected()).execute(sql, values).fetchall()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._uri, timeout=0, isolation_level=None, uri=True)
        connection.execute("PRAGMA query_only = ON")
        self._connection = connection
        return connection

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class DirectPostgresql:
    """Rows of PostgreSQL, over a connection of the pool; it commits each statement by itself."""

    def __init__(self, engine: AsyncEngine, timeout: float) -> None:
        self._engine = engine
        self._timeout = timeout

    @property
    def is_ready(self) -> bool:
        """Whether a statement by itself takes no locks: at SERIALIZABLE it notes what it has seen."""
        found = getattr(self._engine.dialect, "default_isolation_level", None)  # once connected
        return found == "READ COMMITTED"

    async def fetch(self, sql: str, values: Sequence[Any]) -> Found:
        """Return all rows that *sql* finds; raises TimeoutError, too."""
        async with asyncio.timeout(self._timeout):
            lent = await self._engine.raw_connection()
            driver: Any = lent.driver_connection
            try:
                rows: Found = await driver.fetch(sql, *values)
            except BaseException:  # who was cancelled, too, leaves half an answer under way in it
                driver.terminate()  # who gets it next sees that, and makes another
                raise
            finally:
                lent.close()
            return rows

    def close(self) -> None:
        """Leave the pool to who made it."""
