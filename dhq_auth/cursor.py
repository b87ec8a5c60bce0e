"""A cursor of aiosqlite that visits the thread of its connection once for each statement.

aiosqlite's own goes there to be made, to execute, to fetch and to be closed: each time two threads
wait for one another. SQLAlchemy fetches everything at once anyhow.
"""

from collections.abc import Sequence
from typing import Any, Self


class Cursor:
    """What SQLAlchemy needs of an asynchronous cursor; a result is in memory as a whole."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Sequence[Any] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> Self:
        """Execute *statement* and fetch what it returns."""
        await self._connection._execute(self._visit, "execute", statement, parameters)  # noqa: SLF001
        return self

    async def executemany(self, statement: str, parameters: Any) -> Self:
        """Execute *statement* with each of *parameters*."""
        await self._connection._execute(self._visit, "executemany", statement, parameters)  # noqa: SLF001
        return self

    async def fetchall(self) -> list[Any]:
        """Return what the statement returned, once."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Forget what was not fetched."""
        self._rows = []

    def _visit(self, how: str, statement: str, parameters: Any) -> None:
        """Do what is to be done in the thread of the connection."""
        cursor = self._connection._conn.cursor()  # noqa: SLF001
        try:
            getattr(cursor, how)(statement, parameters)
            if cursor.description:
                self._rows = cursor.fetchall()
            self.description = cursor.description
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()
