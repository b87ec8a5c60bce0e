"""Reading the keys at the start; those that are missing are made, once, whoever comes first."""

import asyncio
from collections.abc import Sequence

from dhq_auth.clock import Clock
from dhq_auth.db import Database, sqlite_path
from dhq_auth.settings import Settings
from dhq_auth.tokens.keyring import (
    KeysUnusable,
    SigningKey,
    Wrapping,
    from_stored,
    has_secret_key_beside,
    new_private_key,
    private_pem,
    secret_key_beside,
)
from dhq_auth.tokens.store import KeyPurpose, StoredKey, add_key, rewrap_key, stored_keys


async def load_keys(database: Database, settings: Settings, now: Clock) -> list[SigningKey]:
    """Return all keys, of each purpose the one that signs first; make those that are missing.

    Service keys of PRIVATE_KEY come before stored ones, which go on verifying. What is not wrapped
    by the first SECRET_KEY is wrapped anew, so that older ones can be dropped. Raises KeysUnusable
    where SECRET_KEY does not open what is stored.
    """
    wrapping = wrapping_of(database, settings)
    given = [SigningKey.of(key, KeyPurpose.SERVICE) for key in settings.private_keys or ()]
    async with database.read() as db:
        stored = await stored_keys(db)
    present = {key.purpose for key in stored} | {key.purpose for key in given}
    if missing := [purpose for purpose in KeyPurpose if purpose not in present]:
        stored = await _make(missing, database, wrapping, now)
    opened = from_stored(stored, wrapping)
    if {key.kid for key in given} & {key.kid for key in opened if key.purpose is KeyPurpose.LOGIN}:
        raise KeysUnusable(
            "PRIVATE_KEY: is the key of login tokens, which services must not accept; "
            "give it a key of its own, or leave it out"
        )
    await _rewrap(stored, database, wrapping)
    return [*given, *opened]


def wrapping_of(database: Database, settings: Settings) -> Wrapping:
    """Return what wraps stored keys: SECRET_KEY, or for SQLite the key beside the database.

    Where SECRET_KEY was set later, the key beside the database still unwraps.
    """
    secret_keys = [secret.value for secret in settings.secret_keys or ()]
    path = sqlite_path(database.url)
    if path is not None and (not secret_keys or has_secret_key_beside(path)):
        secret_keys.append(secret_key_beside(path))
    return Wrapping(secret_keys)


async def _make(
    purposes: Sequence[KeyPurpose], database: Database, wrapping: Wrapping, now: Clock
) -> Sequence[StoredKey]:
    made = await asyncio.gather(*(asyncio.to_thread(new_private_key) for _ in purposes))
    async with database.write() as db:
        for purpose, private_key in zip(purposes, made, strict=True):
            kid = SigningKey.of(private_key, purpose).kid
            wrapped = wrapping.wrap(private_pem(private_key))
            await add_key(db, StoredKey(kid, purpose, 1, wrapped, now()))
        return await stored_keys(db)


async def _rewrap(stored: Sequence[StoredKey], database: Database, wrapping: Wrapping) -> None:
    if stale := [key for key in stored if not wrapping.is_current(key.private_key)]:
        async with database.write() as db:
            for key in stale:
                wrapped = wrapping.wrap(wrapping.unwrap(key.private_key))
                await rewrap_key(db, key.kid, key.private_key, wrapped)
