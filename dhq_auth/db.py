"""The database: one engine for reading, one for writing, and their faults in our words.

SQLite loses updates under SQLAlchemy's default transactions, so writers begin with BEGIN IMMEDIATE
on a single connection, and readers see a snapshot under WAL on connections that cannot write.
PostgreSQL needs none of that; its readers begin READ ONLY and see one snapshot too.

Whatever is done with the database ends after DATABASE_TIMEOUT seconds, the wait for a connection
included; what the driver then needs to give up a connection that hangs is two seconds more.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import DateTime, Dialect, MetaData, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.types import TypeDecorator

from dhq_auth import faults, pools, tracing
from dhq_auth.direct import Direct, DirectPostgresql, DirectSqlite
from dhq_auth.engine import AsyncConnection, Pool
from dhq_auth.errors import Conflict, StartRefused, Unavailable
from dhq_auth.question import Question, Row

log = logging.getLogger(__name__)

Db = AsyncConnection
"""What every store function takes: a connection inside a transaction."""
Result = TypeVar("Result")

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
PAUSE: Final = 0.01
"""Seconds before a change is tried again, at random up to that; then twice as many."""
LONGEST_PAUSE: Final = 0.32


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
        if path := sqlite_path(self.url):
            self._writer, self._reader = pools.sqlite(self.url, path, pool=pool, timeout=timeout)
            self._direct: Direct | None = DirectSqlite(path)
        else:
            self._writer, self._reader = pools.postgresql(self.url, pool=pool, timeout=timeout)
            # A statement that has no name is gone with its transaction behind some poolers.
            self._direct = None
            if pools.statements(self.url):
                self._direct = DirectPostgresql(self._writer, places=pool, timeout=timeout)
        self._told_at = float("-inf")
        self._turn = asyncio.Lock()
        """Of those who met somebody one at a time tries again, or all would meet one another."""
        self.faults = self.contentions = 0
        """How often it did not answer as it should, and transactions got into each other's way."""

    @property
    def pools(self) -> Mapping[str, Pool]:
        """The pools of connections, by what they are for."""
        pools = {"write": self._writer.pool, "read": self._reader.pool}
        if pools["read"] is pools["write"]:
            pools = {"all": self._writer.pool}
        return {name: pool for name, pool in pools.items() if isinstance(pool, Pool)}

    def __str__(self) -> str:
        """Return where the database is: neither its password nor its options."""
        shown = self.url.set(drivername=self.url.get_backend_name(), query={})
        return shown.render_as_string(hide_password=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Db]:
        """Give a connection that sees one consistent state and cannot change it.

        Raises Unavailable when the database does not answer.
        """
        with self._in_our_words():
            async with asyncio.timeout(self._timeout), self._reader.connect() as db:
                yield db

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Db]:
        """Give a connection whose changes are committed at the end, or undone by an exception.

        Raises Unavailable when the database does not answer, Conflict when something is there
        already, or no longer there, that the change refers to; Contention when another transaction
        was in the way, of which `transact` takes care.
        """
        with self._in_our_words():
            async with asyncio.timeout(self._timeout), self._writer.begin() as db:
                yield db

    async def transact(self, change: Callable[[Db], Awaitable[Result]]) -> Result:
        """Return what *change* returns, once all that it did is committed; an exception undoes it.

        *change* is called again, in a new transaction, where another one was in its way; one
        deadline holds for all of it. What may have been committed is never tried again: who loses
        the connection then is told Unavailable. Raises Contention where there was no getting
        through; else as `write` does.
        """
        contended = False
        try:
            async with asyncio.timeout(self._timeout):
                with suppress(Contention):
                    return await self._tried(change, first=True)
                contended, longest = True, PAUSE
                async with self._turn:
                    while True:
                        await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - no secret
                        with suppress(Contention):
                            return await self._tried(change)
                        longest = min(2 * longest, LONGEST_PAUSE)
        except TimeoutError as error:
            if contended:
                raise Contention("too many changes at once") from error
            with self._in_our_words():
                raise

    async def _tried(
        self, change: Callable[[Db], Awaitable[Result]], *, first: bool = False
    ) -> Result:
        """Return what *change* returns, once it is committed; raises Contention if it was not."""
        try:
            async with self.write() as db:
                return await change(db)
        except Conflict as error:
            # Of whom we waited for we may see nothing but that our row is in the way of his. The
            # next try sees what there is, and has something better to say.
            if first and self._sees_what_was and isinstance(error.__cause__, DBAPIError):
                raise Contention("something was there that could not be seen") from error
            raise

    @property
    def _sees_what_was(self) -> bool:
        """Whether a transaction sees nothing that was committed after it began."""
        dialect = self._writer.dialect
        return dialect.name == "postgresql" and dialect.default_isolation_level == "SERIALIZABLE"

    async def ask(self, question: Question, **values: Any) -> Sequence[Row]:
        """Return the rows that answer *question* with *values*; they are of one state.

        Raises Unavailable when the database does not answer.
        """
        # Where traces are exported, SQLAlchemy makes the spans of statements.
        if self._direct is not None and self._direct.is_ready and not tracing.is_on():
            asked = question.compiled(self._reader.dialect)
            try:
                found = await self._direct.fetch(asked.sql, asked.values(values))
                return [asked.row(row) for row in found]
            except (TimeoutError, PoolTimeout):
                with self._in_our_words():
                    raise
            except Exception as error:  # noqa: BLE001 - the other way finds out what it is, and says it
                log.debug("asked again in a transaction: %s", type(error).__name__)
        async with self.read() as db:
            rows: Sequence[Row] = (await db.execute(question.statement, values)).all()
            return rows

    async def ping(self) -> None:
        """Raise Unavailable unless the database answers."""
        async with self.read() as db:
            await db.execute(text("SELECT 1"))

    async def reach(self, within: float) -> None:
        """Raise Unavailable unless the database answers *within* so many seconds."""
        try:
            async with asyncio.timeout(within):
                await self.ping()
        except TimeoutError as error:
            raise Unavailable("the database does not answer") from error

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
        if self._direct is not None:
            self._direct.close()
        await self._writer.dispose()
        if self._reader.pool is not self._writer.pool:
            await self._reader.dispose()
            await pools.ended()

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        """Say what the driver says in its own."""
        try:
            yield
        except (DBAPIError, PoolTimeout, OSError) as error:
            if faults.is_conflict(error):
                raise Conflict("somebody else was faster, or it exists already") from error
            if faults.is_contention(error):
                self.contentions += 1
                raise Contention("too many changes at once") from error
            if not faults.is_away(error):
                raise
            self.faults += 1
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
