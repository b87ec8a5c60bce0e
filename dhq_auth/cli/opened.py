"""The database as commands use it: reached, or refused in a line."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from dhq_auth.cli.outcome import Refused
from dhq_auth.clock import utcnow
from dhq_auth.db import Database, Result
from dhq_auth.events import OPERATOR, Source
from dhq_auth.migrations import HEAD
from dhq_auth.migrations.state import State, state_of
from dhq_auth.outbox.owed import Owed
from dhq_auth.plugins import Extensions
from dhq_auth.settings import Settings
from dhq_auth.work import Transaction, Work


@asynccontextmanager
async def reached(settings: Settings) -> AsyncIterator[Database]:
    """Give the database, whatever is in it; an SQLite file that is missing is made by its use.

    Raises StartRefused, which says why, where it cannot be used.
    """
    limits = settings.limits
    database = Database(settings.database_url.value, pool=1, timeout=limits.database_timeout)
    try:
        with database.needed_to_start():
            yield database
    finally:
        await database.close()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """Give the database that the service uses; raises Refused unless it is up to date."""
    async with reached(settings) as database:
        state, revision = await state_of(database)
        if state not in {State.CURRENT, State.AHEAD}:
            raise Refused(
                f"DATABASE_URL: {database} is at revision {revision or 'none'}, not {HEAD}; "
                "`dhq-auth db check` says what to do"
            )
        yield database


@asynccontextmanager
async def working(settings: Settings, *, patience: float | None = None) -> AsyncIterator[Work]:
    """Give what changes the database that the service uses; the extensions hear of it.

    With *patience* a transaction may take so many seconds, instead of DATABASE_TIMEOUT. Raises
    Refused as `opened` does, StartRefused where an extension cannot be used.
    """
    limits = settings.limits
    extensions = Extensions(
        settings.extensions, timeout=limits.extension_timeout, calls=limits.plugin_calls
    )
    try:
        async with (
            opened(settings) as database,
            database.patient(patience or limits.database_timeout) as patient,
        ):
            keep = Owed(extensions.carriers).keep
            yield Work(patient, utcnow, extensions.announce, actor=OPERATOR, keep=keep)
    finally:
        await extensions.close()


async def transacted(
    settings: Settings,
    change: Callable[[Transaction], Awaitable[Result]],
    *,
    patience: float | None = None,
) -> Result:
    """Commit what *change* does in the database that the service uses, as `Work.transact` does.

    Raises what `working` and `Work.transact` raise.
    """
    async with working(settings, patience=patience) as work:
        return await work.transact(Source(), change)
