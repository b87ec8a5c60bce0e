"""Keys in databases of the test's own."""

from collections.abc import Sequence

from sqlalchemy import text

from dhq_auth.clock import Clock, utcnow
from dhq_auth.db import Database
from dhq_auth.settings import Settings, from_environ
from dhq_auth.tokens.key import SigningKey
from dhq_auth.tokens.store import KeyPurpose
from tests.fixtures.keys import load_keys


def settings(database: Database, **environ: str) -> Settings:
    """Return the settings of a service on *database*."""
    return from_environ({"DATABASE_URL": database._raw_url, **environ})


async def load(database: Database, now: Clock = utcnow, **environ: str) -> list[SigningKey]:
    """Return the keys that a service has after its start."""
    return list(await load_keys(database, settings(database, **environ), now))


def kids(keys: Sequence[SigningKey], purpose: KeyPurpose) -> list[str]:
    """Return the names of those for *purpose*."""
    return [key.kid for key in keys if key.purpose is purpose]


async def stored(database: Database) -> list[str]:
    """Return the private keys as they lie there."""
    async with database.read() as db:
        rows = await db.execute(text("SELECT private_key FROM signing_keys ORDER BY purpose"))
        return list(rows.scalars())
