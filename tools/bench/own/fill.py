"""A database with many users, sessions, API tokens and policies; and login tokens of some of them."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import text

from dhq_auth.clock import utcnow
from dhq_auth.db import Database
from dhq_auth.hookspecs import Grant
from dhq_auth.permissions.granted import digest_of
from dhq_auth.settings import from_environ
from dhq_auth.tokens.key import open_stored
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.tokens.load import read_rows
from dhq_auth.tokens.signing import LOGIN, TokenSigner
from dhq_auth.tokens.wrapping import wrapping_of
from tools.bench.own.server import PERMISSIONS

PATIENCE: Final = 1800
_SERIES: Final = (
    " WITH RECURSIVE n(i) AS (SELECT CAST(0 AS INTEGER) UNION ALL SELECT i + 1 FROM n"
    " WHERE i < :last), one AS (SELECT min(created_at) AS at FROM policies)"
)
_USERS: Final = (
    "INSERT INTO users (id, idhash, username, username_key, email_verified, is_admin, is_active,"
    f" created_at, updated_at){_SERIES} SELECT 'u' || i, 'u' || i, 'user' || i, 'user' || i, false,"
    " false, true, at, at FROM n, one"
)
_SESSIONS: Final = (
    f"INSERT INTO sessions (id, digest, user_id, provider, created_at){_SERIES}"
    " SELECT 's' || i, 'd' || i, 'u' || (i % :users), 'password', at FROM n, one"
)
_TOKENS: Final = (
    f"INSERT INTO api_tokens (id, digest, user_id, title, hint, created_at){_SERIES}"
    " SELECT 't' || i, 'd' || i, 'u' || i, '', '', at FROM n, one"
)
_GRANTS: Final = (
    f"INSERT INTO permission_grants (user_id, service, digest, granted_at){_SERIES}"
    f" SELECT 'u' || i, 'bench', '{digest_of(Grant(PERMISSIONS))}', at FROM n, one"
)
"""What is granted is a fact of the audit log when it is new; here it has been told before."""
_POLICIES: Final = (
    "INSERT INTO policies (id, service, table_name, action, expression, description, created_at,"
    f" updated_at){_SERIES} SELECT 'p' || i, CASE WHEN i < 12 THEN 'notes' ELSE 'of' || (i / 10) END,"
    " 't' || i, 'read', 'author_id = auth_user.id', '', at, at FROM n, one"
)


@dataclass(frozen=True, slots=True)
class Filled:
    """How many users there are, each with an API token and a grant; how many policies and sessions."""

    users: int
    policies: int
    sessions: int
    """As many of each user: they are those of one user after the other, and then of the first again."""


def fill(environ: Mapping[str, str], filled: Filled) -> None:
    """Fill the database of these settings, which the service has made."""
    asyncio.run(_fill(environ, filled))


async def _fill(environ: Mapping[str, str], filled: Filled) -> None:
    database = Database(environ["DATABASE_URL"], pool=1, timeout=PATIENCE)
    try:
        for statement, values in (
            (_USERS, {"last": filled.users - 1}),
            (_SESSIONS, {"last": filled.sessions - 1, "users": filled.users}),
            (_TOKENS, {"last": filled.users - 1}),
            (_GRANTS, {"last": filled.users - 1}),
            (_POLICIES, {"last": filled.policies - 1}),
        ):
            async with database.write() as db:
                await db.execute(text(statement), values)
        async with database.write() as db:
            await db.execute(text("ANALYZE"))
    finally:
        await database.close()


def tokens(environ: Mapping[str, str], filled: Filled, sessions: Iterable[int]) -> list[str]:
    """Return a login token of each of *sessions*, signed by the service's own key."""
    return asyncio.run(_tokens(environ, filled, sessions))


async def _tokens(environ: Mapping[str, str], filled: Filled, sessions: Iterable[int]) -> list[str]:
    settings = from_environ(environ)
    database = Database(environ["DATABASE_URL"], pool=1, timeout=PATIENCE)
    try:
        async with database.read() as db:
            rows = await read_rows(db)
        wrapping = wrapping_of(database, settings, make=False)
        opened = (replace(open_stored(key, wrapping), signs_from=key.begins) for key in rows.stored)
        signer = TokenSigner(
            Keyring(opened),
            issuer=settings.issuer,
            now=utcnow,
            leeway=settings.limits.clock_leeway,
            max_length=settings.limits.max_token,
        )
        lifetime = settings.login_token_lifetime
        signed = [
            await signer.sign(LOGIN, f"u{number % filled.users}", lifetime, {"sid": f"s{number}"})
            for number in sessions
        ]
        signer.close()
        return signed
    finally:
        await database.close()
