"""A table in SQLite and in PostgreSQL, asked in every way in which a policy can be put to it."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from dhq_auth.policies.caller import AuthUser
from dhq_auth.policies.decide import judged
from dhq_auth.policies.resolve import Question
from dhq_auth.policies.rls import table_security
from dhq_auth.policies.store import ALL, Key, Policy
from dhq_auth.sdk.caller import Caller
from dhq_auth.sdk.decision import Action, Decision
from tests.fakes.postgres import PostgresServer
from tests.policies.rows import rule

OWNER = "rows_owner"
APPLICATION = "rows_application"
PASSWORD = "only-for-tests"
Row = dict[str, Any]


def policies(by_action: Mapping[str, str] | str) -> dict[Key, Policy]:
    """Return the policies on notes, whose expressions are given by action, or one for all."""
    given = {ALL: by_action} if isinstance(by_action, str) else by_action
    found = [rule("notes", action, expression) for action, expression in given.items()]
    return {each.key: each for each in found}


def decided(there: Mapping[Key, Policy], action: Action, user: AuthUser) -> Decision:
    return judged(there, Question("notes", action), user).decision


def caller(user: AuthUser) -> Caller:
    """Return *user* as a service knows that user from a token."""
    told = {"username": user.username, "email": user.email, "is_admin": user.is_admin}
    known = {name: value for name, value in told.items() if value}
    return Caller(user.id, {}, {"v": 1, "user": known, "rules": {}} if user.id else None)


@asynccontextmanager
async def sqlite_with(table: sa.Table, rows: Iterable[Row]) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    try:
        async with engine.begin() as db:
            await db.run_sync(table.metadata.create_all)
            await db.execute(sa.insert(table), list(rows))
        yield engine
    finally:
        await engine.dispose()


async def make_in_postgres(url: str, table: sa.Table, rows: Iterable[Row]) -> None:
    """Make *table*, which OWNER owns, and APPLICATION may use."""
    engine = create_async_engine(_driven(url))
    async with engine.begin() as db:
        for role in (OWNER, APPLICATION):
            there = f"SELECT FROM pg_roles WHERE rolname = '{role}'"
            make = f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"
            await db.execute(
                sa.text(f"DO $$ BEGIN IF NOT EXISTS ({there}) THEN {make}; END IF; END $$")
            )
        await db.run_sync(table.metadata.create_all)
        await db.execute(sa.insert(table), list(rows))
        await db.execute(sa.text(f"ALTER TABLE {table.name} OWNER TO {OWNER}"))
        await db.execute(sa.text(f"GRANT ALL ON {table.name} TO {APPLICATION}"))
    await engine.dispose()


def url_of(url: str, role: str) -> str:
    """Return *url* for *role*."""
    return str(
        make_url(url).set(username=role, password=PASSWORD).render_as_string(hide_password=False)
    )


@asynccontextmanager
async def engine_of(
    url: str, role: str | None = None, **options: Any
) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(_driven(url_of(url, role) if role else url), **options)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def connected(url: str, role: str | None = None) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection of asyncpg; one that stayed open would keep the loop from closing."""
    connection = await asyncpg.connect(url_of(url, role) if role else url)
    try:
        yield connection
    finally:
        await connection.close()


async def run_script(url: str, script: str, role: str = OWNER) -> None:
    """Run *script* as *role*, all of it, as psql would."""
    async with connected(url, role) as connection:
        await connection.execute(script)


async def secure(
    url: str, there: Mapping[Key, Policy], casts: Mapping[str, str] | None = None
) -> None:
    """Put the policies on notes that are *there* into PostgreSQL."""
    await run_script(url, table_security(there, "notes", casts=casts).script())


def _driven(url: str) -> str:
    return url.replace("postgresql://", "postgresql+asyncpg://")


def database(server: PostgresServer) -> str:
    """Return the URL of a new database."""
    return server.url(server.create())
