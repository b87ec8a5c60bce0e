"""The database: one engine for reading, one for writing, and their faults in our words.

SQLite loses updates under SQLAlchemy's default transactions, so writers begin with BEGIN IMMEDIATE
on a single connection, and readers see a snapshot under WAL on connections that cannot write.
PostgreSQL needs none of that and has one engine for both.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import (
    TimeoutError as PoolTimeout,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator

from dhq_auth.errors import Conflict, Unavailable

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

_UNAVAILABLE = (OperationalError, InterfaceError, InternalError, PoolTimeout, OSError)


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
        self._writer, self._reader = _engines(self.url, pool, timeout)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Db]:
        """Give a connection that sees one consistent state.

        Raises Unavailable when the database does not answer.
        """
        async with _Faults(), self._reader.connect() as db:
            yield db

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Db]:
        """Give a connection whose changes are committed at the end, or undone by an exception.

        Raises Unavailable when the database does not answer, Conflict when a constraint forbids.
        """
        async with _Faults(), self._writer.begin() as db:
            yield db

    async def ping(self) -> None:
        """Raise Unavailable unless the database answers."""
        async with self.read() as db:
            await db.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()


class _Faults:
    """Says in our words what the driver says in its own, and keeps its text out of answers."""

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IntegrityError):
            raise Conflict("somebody else was faster, or it exists already") from error
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        if lost or isinstance(error, _UNAVAILABLE):
            raise Unavailable("the database does not answer") from error


def driver_url(raw: str) -> URL:
    """Return *raw* with the asynchronous driver of its engine, options in that driver's words."""
    url = make_url(
        raw.replace("postgres:", "postgresql:", 1) if raw.startswith("postgres:") else raw
    )
    if url.get_backend_name() == "sqlite":
        return url.set(drivername="sqlite+aiosqlite")
    query = dict(url.query)
    if (mode := query.pop("sslmode", None)) is not None:
        query["ssl"] = mode
    return url.set(drivername="postgresql+asyncpg", query=query)


def sqlite_path(url: URL) -> Path | None:
    """Return the file of an SQLite database, else None."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Path(url.database.removeprefix("file:"))


def _engines(url: URL, pool: int, timeout: float) -> tuple[AsyncEngine, AsyncEngine]:
    if (path := sqlite_path(url)) is None:
        engine = create_async_engine(
            url,
            pool_size=pool,
            max_overflow=0,
            pool_timeout=timeout,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"timeout": timeout, "command_timeout": timeout},
        )
        return engine, engine
    if not path.parent.exists():
        path.parent.mkdir(parents=True, mode=0o700)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    writer = _sqlite(url, timeout, pool=1, begin="BEGIN IMMEDIATE")
    reader = _sqlite(url, timeout, pool=pool, begin="BEGIN")
    return writer, reader


def _sqlite(url: URL, timeout: float, *, pool: int, begin: str) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=pool, max_overflow=0, pool_timeout=timeout, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        if begin == "BEGIN":
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
