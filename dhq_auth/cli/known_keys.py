"""The keys that the service would use, looked at without making what is missing."""

from dataclasses import dataclass
from datetime import datetime

from dhq_auth.db import Database, sqlite_path
from dhq_auth.migrations.state import State, state_of
from dhq_auth.settings import Settings
from dhq_auth.tokens.keyring import (
    KeysUnusable,
    SigningKey,
    Wrapping,
    from_stored,
    has_secret_key_beside,
)
from dhq_auth.tokens.load import wrapping_of
from dhq_auth.tokens.store import KeyPurpose, StoredKey, stored_keys


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key, and where it comes from; it has a `fault` instead of `opened` if it cannot be used."""

    kid: str
    purpose: KeyPurpose
    source: str
    created_at: datetime | None = None
    opened: SigningKey | None = None
    fault: str | None = None


def given_keys(settings: Settings) -> list[KnownKey]:
    """Return the keys of PRIVATE_KEY."""
    given = [SigningKey.of(key, KeyPurpose.SERVICE) for key in settings.private_keys or ()]
    return [KnownKey(key.kid, key.purpose, "PRIVATE_KEY", opened=key) for key in given]


async def known_keys(database: Database, settings: Settings) -> list[KnownKey]:
    """Return all keys; of each purpose the first signs. Those of PRIVATE_KEY come first.

    A database that is not up to date counts as one without keys.
    """
    known = given_keys(settings)
    state, _ = await state_of(database)
    if state is not State.CURRENT:
        return known
    async with database.read() as db:
        stored = await stored_keys(db)
    if stored:
        wrapping = _present_wrapping(database, settings)
        known += [_opened(key, wrapping) for key in stored]
    return known


def _present_wrapping(database: Database, settings: Settings) -> Wrapping | KeysUnusable:
    path = sqlite_path(database.url)
    if path is not None and not settings.secret_keys and not has_secret_key_beside(path):
        return Wrapping([])  # and not a key made for looking
    try:
        return wrapping_of(database, settings)
    except KeysUnusable as error:
        return error


def _opened(key: StoredKey, wrapping: Wrapping | KeysUnusable) -> KnownKey:
    opened, fault = None, None
    try:
        if isinstance(wrapping, KeysUnusable):
            raise wrapping
        (opened,) = from_stored([key], wrapping)
    except KeysUnusable as error:
        fault = str(error)
    return KnownKey(key.kid, key.purpose, "database", key.created_at, opened, fault)
