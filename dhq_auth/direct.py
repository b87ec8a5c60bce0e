"""The shortest way to a row: the driver itself, without a transaction and, with SQLite, a thread.

A reader of SQLite in WAL mode waits for nobody, and finds a row in some microseconds; to tell a
thread to do it would take longer. What the short way cannot do raises, and the caller takes the long
one: it knows how to wait, and what to say.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

from dhq_auth.engine import AsyncEngine

Found = Sequence[Sequence[Any]]
IN_A_ROW: Final = 50
"""Questions over a connection until others who wait for one of the pool have their turn."""


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


@dataclass(slots=True)
class _Borrowed:
    """A connection of the pool, and how often it was asked since it was borrowed."""

    lent: Any
    uses: int = 0

    @property
    def driver(self) -> Any:
        """The driver's own."""
        return self.lent.driver_connection

    def give_back(self) -> None:
        """Give it back to the pool."""
        self.lent.close()


class DirectPostgresql:
    """Rows of PostgreSQL, over connections of the pool; each statement is committed by itself.

    To borrow a connection costs about as much as to ask over it: where more ask than the pool has
    connections, each passes on the place that it has, and what it has borrowed.
    """

    def __init__(self, engine: AsyncEngine, *, places: int, timeout: float) -> None:
        self._engine = engine
        self._free = places
        self._timeout = timeout
        self._waiting: deque[asyncio.Future[_Borrowed | None]] = deque()

    @property
    def is_ready(self) -> bool:
        """Whether a statement by itself takes no locks: at SERIALIZABLE it notes what it has seen."""
        found = getattr(self._engine.dialect, "default_isolation_level", None)  # once connected
        return found == "READ COMMITTED"

    async def fetch(self, sql: str, values: Sequence[Any]) -> Found:
        """Return all rows that *sql* finds; raises TimeoutError, too."""
        async with asyncio.timeout(self._timeout):
            borrowed = await self._place()
            try:
                if borrowed is None:
                    borrowed = _Borrowed(await self._engine.raw_connection())
                borrowed.uses += 1
                rows: Found = await borrowed.driver.fetch(sql, *values)
            except BaseException:  # who was cancelled, too, leaves half an answer under way in it
                if borrowed is not None:
                    borrowed.driver.terminate()  # who gets it next sees that, and makes another
                    borrowed.uses = IN_A_ROW
                raise
            finally:
                self._leave(borrowed)
            return rows

    async def _place(self) -> _Borrowed | None:
        """Return once one may ask: with what the one before has borrowed, or nothing."""
        if self._free:
            self._free -= 1
            return None
        mine: asyncio.Future[_Borrowed | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            return await mine
        except BaseException:  # who is cancelled must not take a place along
            if mine.done() and not mine.cancelled():  # it came at the moment that we gave up
                self._leave(mine.result())
            raise

    def _leave(self, borrowed: _Borrowed | None) -> None:
        """Pass the place on to the next who waits, and with it what was *borrowed*."""
        kept = borrowed if borrowed is not None and borrowed.uses < IN_A_ROW else None
        while self._waiting:
            next_one = self._waiting.popleft()
            if not next_one.done():
                next_one.set_result(kept)
                break
        else:
            self._free += 1
            kept = None
        if borrowed is not None and kept is None:
            borrowed.give_back()

    def close(self) -> None:
        """Leave the pool to who made it."""
