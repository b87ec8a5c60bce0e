"""`python -m examples.notes`: serve the notes, until Ctrl-C."""

import os
from collections.abc import AsyncIterator

from aiohttp import web
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import create_async_engine

from dhq_auth.sdk import NotEnforced, Verifier
from examples.notes.application import create_application
from examples.notes.guards import Filters, RowLevelSecurity
from examples.notes.store import Notes
from examples.notes.tables import metadata, notes


def service(url: str, auth: str, *, row_level_security: bool, connections: int) -> web.Application:
    """Make the service on the database *url*, for tokens that dhq-auth at *auth* has signed.

    With *row_level_security* the database is PostgreSQL, has the table and the policies, and we are
    not its owner: it does not start where everybody would have every row. Else a table that is
    missing is made.
    """
    engine = create_async_engine(url, pool_size=connections, max_overflow=0)
    verifier = Verifier(auth, service="notes")
    guard = RowLevelSecurity() if row_level_security else Filters()
    app = create_application(verifier, Notes(engine, verifier, guard))

    async def database(_: web.Application) -> AsyncIterator[None]:
        try:
            async with engine.begin() as db:
                if not row_level_security:
                    await db.run_sync(metadata.create_all)
                elif not await db.scalar(select(func.row_security_active(notes.name))):
                    raise NotEnforced("notes has no row-level security, or not for us: README.md")
            yield
        finally:
            await engine.dispose()

    app.cleanup_ctx.append(database)
    return app


def main() -> None:
    """Serve what the environment says; README.md names the variables."""
    environ = os.environ
    app = service(
        environ.get("NOTES_DATABASE_URL", "sqlite+aiosqlite:///data/notes.db"),
        environ.get("NOTES_AUTH_URL", "http://localhost:8000"),
        row_level_security=environ.get("NOTES_ROW_LEVEL_SECURITY") == "on",
        connections=int(environ.get("NOTES_CONNECTIONS", "5")),
    )
    web.run_app(app, host="127.0.0.1", port=int(environ.get("NOTES_PORT", "8100")))


if __name__ == "__main__":
    main()
