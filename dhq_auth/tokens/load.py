"""Reading the keys at the start; those that are missing are made, once, whoever comes first."""

import asyncio
from collections.abc import Sequence

from dhq_auth.clock import Clock
from dhq_auth.db import Database, sqlite_path
from dhq_auth.settings import Settings
from dhq_auth.tokens.keyring import (
    SigningKey,
    Wrapping,
    from_stored,
    new_private_key,
    private_pem,
    secret_key_beside,
)
from dhq_auth.tokens.store import KeyPurpose, StoredKey, add_key, stored_keys


async def load_keys(database: Database, settings: Settings, now: Clock) -> list[SigningKey]:
    """Return all keys, of each purpose the one that signs first; make those that are missing.

    Service keys of PRIVATE_KEY come before stored ones, which go on verifying. Raises KeysUnusable
    where SECRET_KEY does not open what is stored.
    """
    wrapping = wrapping_of(database, settings)
    given = [SigningKey.of(key, KeyPurpose.SERVICE) for key in settings.private_keys or ()]
    async with database.read() as db:
        stored = await stored_keys(db)
    present = {key.purpose for key in stored} | {key.purpose for key in given}
    if missing := [purpose for purpose in KeyPurpose if purpose not in present]:
        stored = await _make(missing, database, wrapping, now)
    return [*given, *from_stored(stored, wrapping)]


def wrapping_of(database: Database, settings: Settings) -> Wrapping:
    """Return what wraps stored keys: SECRET_KEY, or for SQLite the key beside the database."""
    secret_keys = [secret.value for secret in settings.secret_keys or ()]
    path = sqlite_path(database.url)
    if not secret_keys and path is not None:
        secret_keys = [secret_key_beside(path)]
    return Wrapping(secret_keys)


async def _make(
    purposes: Sequence[KeyPurpose], database: Database, wrapping: Wrapping, now: Clock
) -> Sequence[StoredKey]:
    made = []
    for purpose in purposes:
        private_key = await asyncio.to_thread(new_private_key)
        key = SigningKey.of(private_key, purpose)
        wrapped = wrapping.wrap(private_pem(private_key))
        made.append(StoredKey(key.kid, purpose, 1, wrapped, now()))
    async with database.write() as db:
        for stored in made:
            await add_key(db, stored)
    async with database.read() as db:
        return await stored_keys(db)
