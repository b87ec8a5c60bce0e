"""The two engines of a database, each a pool of connections: one for reading, one for writing."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.dialects import registry
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.util import await_only

from dhq_auth import faults
from dhq_auth.cursor import Cursor
from dhq_auth.engine import AsyncEngine, create_async_engine
from dhq_auth.errors import StartRefused

BUSY_TIMEOUT: Final = 0.5
"""Seconds for which SQLite waits for a lock in its thread; then we ask again, until our deadline."""
LAST_WAIT: Final = 2.0
"""Seconds for a statement that nobody waits for any more, when its database is closed."""
_opened: Final = WeakSet[Any]()
"""SQLite's connections that there are in this process."""
STATEMENTS: Final = "statement_cache_size"
"""An option of DATABASE_URL: how many statements a connection keeps prepared, 100 without it."""
DIALECT: Final = "postgresql+related"
registry.register("postgresql.related", "dhq_auth.dialect", "RelatedDialect")  # loaded when used
STALE: Final = "repeatable read"
"""The isolation level at which who waited for a lock goes on with what was there before it."""


def sqlite(url: URL, path: Path, *, pool: int, timeout: float) -> tuple[AsyncEngine, AsyncEngine]:
    """Return the writer, of one connection that begins with the lock, and readers that cannot."""
    writer = _sqlite(url, path, timeout, pool=1, begin="BEGIN IMMEDIATE")
    return writer, _sqlite(url, path, timeout, pool=pool, begin="BEGIN")


def postgresql(url: URL, *, pool: int, timeout: float) -> tuple[AsyncEngine, AsyncEngine]:
    """Return the writer and the reader, on the same connections.

    The writer is as isolated as the server has it, READ COMMITTED or SERIALIZABLE; the reader sees
    one state, and is READ ONLY.
    """
    # The driver reads the URL itself, since it knows libpq's options: sslmode, sslrootcert, …
    plain = url.set(drivername="postgresql").difference_update_query([STATEMENTS])
    dsn = plain.render_as_string(hide_password=False)
    kept = statements(url)

    def connect() -> Any:
        return writer.dialect.dbapi.connect(  # type: ignore[union-attr]  # it has one by now
            async_creator_fn=partial(_connected, dsn, timeout, kept),
            prepared_statement_cache_size=kept,
            prepared_statement_name_func=None if kept else _no_name,
        )

    writer = create_async_engine(
        url.set(drivername=DIALECT),
        creator=connect,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=timeout,
        hide_parameters=True,
    )

    @event.listens_for(writer.sync_engine, "checkout")
    def replace_closed(connection: Any, _record: object, _proxy: object) -> None:
        # The loop has seen the server's farewell: no need to ask it each time (pool_pre_ping).
        if connection.driver_connection.is_closed():
            raise DisconnectionError("the server closed the connection")

    reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return writer, writer.execution_options(**reading)


def statements(url: URL) -> int:
    """Return how many statements a connection keeps prepared; none behind some poolers.

    Raises StartRefused for what is no number.
    """
    said = url.query.get(STATEMENTS, "100")
    if not isinstance(said, str) or not said.isdecimal():
        raise StartRefused(f"DATABASE_URL: {STATEMENTS} must be a number; 0: none are kept")
    return int(said)


def _no_name() -> str:
    """Return the name of a statement that the server forgets with the next (protocol 55.2.3)."""
    return ""


async def _connected(
    dsn: str,
    timeout: float,  # noqa: ASYNC109 - the driver's own
    statements: int,
) -> Any:
    """Return a connection of the driver, which keeps so many *statements* prepared.

    Raises ConnectionRefused for what somebody must set right, ConnectionError for what time may.
    """
    import asyncpg  # type: ignore[import-untyped]  # noqa: PLC0415 - not needed with SQLite

    try:
        connection = await asyncpg.connect(dsn, timeout=timeout, statement_cache_size=statements)
        try:
            return await _checked(connection)
        except BaseException:
            connection.terminate()
            raise
    except (asyncpg.PostgresError, ValueError) as error:  # the latter is about the URL
        state = getattr(error, "sqlstate", None)
        raise faults.ConnectionRefused(faults.reason(error), state) from error
    except asyncpg.InterfaceError as error:
        raise ConnectionError(faults.reason(error)) from error
    except ConnectionError as error:
        if "rejected SSL" in str(error):
            raise faults.ConnectionRefused(str(error)) from error
        raise


async def _checked(connection: Any) -> Any:
    """Return *connection*, of asyncpg, if its transactions lose no changes; else ConnectionRefused."""
    if await connection.fetchval("SHOW default_transaction_isolation") == STALE:
        raise faults.ConnectionRefused(
            f"its default_transaction_isolation is {STALE}, at which changes get lost; "
            "set it to read committed, or to serializable"
        )
    return connection


def _sqlite(url: URL, path: Path, timeout: float, *, pool: int, begin: str) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=pool, max_overflow=0, pool_timeout=timeout, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "do_connect")
    def make_private(_dialect: object, _record: object, _args: object, options: Any) -> None:
        if not path.exists():
            path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        options["async_creator_fn"] = _opening

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")
        cursor.execute("PRAGMA foreign_keys = ON")
        # The mode is kept in the file, so setting it is a change, which is not for readers.
        reads = begin == "BEGIN"
        mode = "PRAGMA query_only = ON" if reads else "PRAGMA journal_mode = WAL"
        _insist(lambda: cursor.execute(mode))
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        _insist(lambda: connection.exec_driver_sql(begin))

    return engine


def _opening(*args: Any, **options: Any) -> Any:
    """Return a connection of the driver, to be awaited, whose thread is stopped once only.

    Who stops it again, as SQLAlchemy does with one that was given up while it closed, would wait
    for an answer of a thread that is gone, and keep the process from ending.
    """
    import aiosqlite  # noqa: PLC0415 - not needed with PostgreSQL

    connection = aiosqlite.connect(*args, **options)
    connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does
    connection.stop = cache(connection.stop)  # type: ignore[method-assign]
    connection.cursor = partial(Cursor, connection)  # type: ignore[assignment]
    _opened.add(connection)
    return connection


async def ended() -> None:
    """Wait for the threads of connections that were given up: each is at one statement still.

    Else it would come to tell an event loop that has been closed.
    """
    for connection in list(_opened):
        if not connection._running and connection._thread.is_alive():  # noqa: SLF001 - nobody else tells
            await asyncio.to_thread(connection._thread.join, LAST_WAIT)  # noqa: SLF001


def _insist(execute: Callable[[], object]) -> None:
    """Do *execute* again for as long as somebody else has the lock; our deadline ends it.

    SQLite's own patience does not cover a change of the journal mode, and holds up a thread.
    """
    while True:
        try:
            execute()
        except (sqlite3.OperationalError, DBAPIError) as error:
            if not faults.is_busy(error):
                raise
            await_only(asyncio.sleep(0.01))
        else:
            return
