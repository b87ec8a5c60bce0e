"""The database: one engine for reading, one for writing, and their faults in our words.

SQLite loses updates under SQLAlchemy's default transactions, so writers begin with BEGIN IMMEDIATE
on a single connection, and readers see a snapshot under WAL on connections that cannot write.
PostgreSQL needs none of that; its readers begin READ ONLY and see one snapshot too.

Whatever is done with the database ends after DATABASE_TIMEOUT seconds, the wait for a connection
included; what the driver then needs to give up a connection that hangs is two seconds more.
"""

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import DateTime, Dialect, MetaData, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.types import TypeDecorator
from sqlalchemy.util import await_only

from dhq_auth import faults
from dhq_auth.engine import AsyncConnection, AsyncEngine, create_async_engine
from dhq_auth.errors import Conflict, StartRefused, Unavailable

log = logging.getLogger(__name__)

Db = AsyncConnection
"""What every store function takes: a connection inside a transaction."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

TELL_AGAIN: Final = 60.0
"""Seconds after which a fault that lasts is logged again."""
BUSY_TIMEOUT: Final = 0.5
"""Seconds for which SQLite waits for a lock in its thread; then we ask again, until our deadline."""


class Contention(Unavailable):
    """Another transaction was in the way; the same one again may go through (SQLSTATE 40…)."""


class Unusable(Unavailable):
    """The database, or who keeps it, does not take us as we are: waiting changes nothing."""


class DatabaseAway(StartRefused):
    """The database is not there yet, or does not answer: the same may go well in a while."""


class Timestamp(TypeDecorator[datetime]):
    """An aware time in UTC; SQLite, which knows no zones, gets and gives it naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Bring *value* to UTC."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Restore the zone."""
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class Database:
    """The engines, and the two ways to use them."""

    def __init__(self, url: str, *, pool: int, timeout: float) -> None:
        self.url = driver_url(url)
        self._raw_url = url
        self._timeout = timeout
        self._writer, self._reader = _engines(self.url, pool, timeout)
        self._told_at = float("-inf")

    def __str__(self) -> str:
        """Return where the database is: neither its password nor its options."""
        shown = self.url.set(drivername=self.url.get_backend_name(), query={})
        return shown.render_as_string(hide_password=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Db]:
        """Give a connection that sees one consistent state and cannot change it.

        Raises Unavailable when the database does not answer.
        """
        async with self._bounded(), self._reader.connect() as db:
            yield db

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Db]:
        """Give a connection whose changes are committed at the end, or undone by an exception.

        Raises Unavailable when the database does not answer, Conflict when something is there
        already, or no longer there, that the change refers to.
        """
        async with self._bounded(), self._writer.begin() as db:
            yield db

    async def ping(self) -> None:
        """Raise Unavailable unless the database answers."""
        async with self.read() as db:
            await db.execute(text("SELECT 1"))

    @asynccontextmanager
    async def patient(self, timeout: float) -> AsyncIterator["Database"]:  # noqa: ASYNC109
        """Give the same database for something that may take *timeout* seconds."""
        patient = Database(self._raw_url, pool=1, timeout=timeout)
        try:
            yield patient
        finally:
            await patient.close()

    @contextmanager
    def needed_to_start(self) -> Iterator[None]:
        """Say to the operator why we cannot start, where what is inside raises Unavailable.

        Raises StartRefused for what somebody must set right, and of these DatabaseAway for what
        time may.
        """
        told_at, self._told_at = self._told_at, float("inf")  # he need not read it in the log, too
        try:
            yield
        except Unavailable as error:
            refused = StartRefused if isinstance(error, Unusable) else DatabaseAway
            raise refused(
                f"DATABASE_URL: {self} cannot be used: {faults.reason(error.__cause__)}"
            ) from error
        finally:
            self._told_at = told_at

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        if self._reader.pool is not self._writer.pool:
            await self._reader.dispose()

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        """Set the deadline; say in our words what the driver says in its own."""
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except (DBAPIError, PoolTimeout, OSError) as error:
            if faults.is_conflict(error):
                raise Conflict("somebody else was faster, or it exists already") from error
            if faults.is_contention(error):
                raise Contention("too many changes at once") from error
            if not faults.is_away(error):
                raise
            self._tell(error)
            local = sqlite_path(self.url) is not None
            fault = Unusable if faults.is_mistake(error, local=local) else Unavailable
            raise fault("the database does not answer") from error

    def _tell(self, error: Exception) -> None:
        if (now := time.monotonic()) - self._told_at >= TELL_AGAIN:
            self._told_at = now
            log.warning("the database does not answer: %s", faults.reason(error))


def driver_url(raw: str) -> URL:
    """Return *raw* with the asynchronous driver of its engine."""
    url = make_url(raw)
    sqlite = url.get_backend_name() == "sqlite"
    return url.set(drivername="sqlite+aiosqlite" if sqlite else "postgresql+asyncpg")


def sqlite_path(url: URL) -> Path | None:
    """Return the file of an SQLite database, else None."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Path(url.database.removeprefix("file:"))


def _engines(url: URL, pool: int, timeout: float) -> tuple[AsyncEngine, AsyncEngine]:
    if (path := sqlite_path(url)) is None:
        engine = _postgresql(url, pool, timeout)
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return engine, engine.execution_options(**options)
    writer = _sqlite(url, path, timeout, pool=1, begin="BEGIN IMMEDIATE")
    reader = _sqlite(url, path, timeout, pool=pool, begin="BEGIN")
    return writer, reader


def _postgresql(url: URL, pool: int, timeout: float) -> AsyncEngine:
    # The driver reads the URL itself, since it knows libpq's options: sslmode, sslrootcert, …
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)

    async def connect() -> Any:
        import asyncpg  # type: ignore[import-untyped]  # noqa: PLC0415 - not needed with SQLite

        try:
            return await asyncpg.connect(dsn, timeout=timeout)
        except (asyncpg.PostgresError, ValueError) as error:  # the latter is about the URL
            state = getattr(error, "sqlstate", None)
            raise faults.ConnectionRefused(faults.reason(error), state) from error
        except asyncpg.InterfaceError as error:
            raise ConnectionError(faults.reason(error)) from error
        except ConnectionError as error:
            if "rejected SSL" in str(error):
                raise faults.ConnectionRefused(str(error)) from error
            raise

    engine = create_async_engine(
        url,
        async_creator=connect,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=timeout,
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "checkout")
    def replace_closed(connection: Any, _record: object, _proxy: object) -> None:
        # The loop has seen the server's farewell: no need to ask it each time (pool_pre_ping).
        if connection.driver_connection.is_closed():
            raise DisconnectionError("the server closed the connection")

    return engine


def _sqlite(url: URL, path: Path, timeout: float, *, pool: int, begin: str) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=pool, max_overflow=0, pool_timeout=timeout, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "do_connect")
    def make_private(*_connection: object) -> None:
        if not path.exists():
            path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))

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
