"""The keys that the service would use, looked at without making what is missing."""

from dataclasses import dataclass
from datetime import datetime

from dhq_auth.db import Database
from dhq_auth.migrations.state import State, state_of
from dhq_auth.settings import Settings
from dhq_auth.tokens.errors import KeysUnusable
from dhq_auth.tokens.key import SigningKey, open_given, open_stored
from dhq_auth.tokens.load import KeyRows, given_keys, read_rows
from dhq_auth.tokens.states import KeyState, Standing, given_until, standings
from dhq_auth.tokens.store import GivenKey, KeyPurpose, StoredKey
from dhq_auth.tokens.wrapping import Wrapping, wrapping_of

GIVEN = "PRIVATE_KEY"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key, where it comes from and what for; it has a `fault` if it cannot be opened."""

    kid: str
    purpose: KeyPurpose
    source: str
    standing: Standing
    created_at: datetime | None = None
    opened: SigningKey | None = None
    fault: str | None = None


def keys_of_settings(settings: Settings) -> list[KnownKey]:
    """Return the keys of PRIVATE_KEY, the one that signs first."""
    states = {True: KeyState.SIGNING, False: KeyState.ANNOUNCED}
    return [
        KnownKey(
            key.kid,
            key.purpose,
            GIVEN,
            Standing(states[key.signs_from is not None], None),
            opened=key,
        )
        for key in given_keys(settings)
    ]


async def known_keys(database: Database, settings: Settings, now: datetime) -> list[KnownKey]:
    """Return all keys, those of PRIVATE_KEY first, then the newest of each purpose.

    A database that is not up to date counts as one without keys.
    """
    known = keys_of_settings(settings)
    state, _ = await state_of(database)
    if state is not State.CURRENT:
        return known
    async with database.read() as db:
        rows = await read_rows(db)
    if rows.stored or rows.given:
        # What lies open is wrapped by the service when it starts with a SECRET_KEY.
        wrapping = Wrapping([]) if rows.lie_open else _present_wrapping(database, settings)
        known += _stored(rows, settings, wrapping, now)
        kids = {key.kid for key in known}
        known += [_earlier(key, wrapping) for key in rows.given if key.kid not in kids]
    return known


def _stored(
    rows: KeyRows, settings: Settings, wrapping: Wrapping | KeysUnusable, now: datetime
) -> list[KnownKey]:
    known = []
    for purpose in KeyPurpose:
        keys = rows.of(purpose)
        for key, standing in zip(keys, standings(keys, purpose, settings, now), strict=True):
            opened, fault = _opened(key, wrapping)
            known.append(
                KnownKey(key.kid, purpose, "database", standing, key.created_at, opened, fault)
            )
    return known


def _earlier(key: GivenKey, wrapping: Wrapping | KeysUnusable) -> KnownKey:
    """Return a key that PRIVATE_KEY had, and perhaps still has for other processes."""
    standing = Standing(KeyState.RETIRING, key.used_at, given_until(key))
    opened, fault = None, None
    try:
        if isinstance(wrapping, KeysUnusable):
            raise wrapping
        opened = open_given(key, wrapping)
    except KeysUnusable as error:
        fault = str(error)
    source = f"{GIVEN} before"
    return KnownKey(key.kid, KeyPurpose.SERVICE, source, standing, opened=opened, fault=fault)


def _present_wrapping(database: Database, settings: Settings) -> Wrapping | KeysUnusable:
    try:
        return wrapping_of(database, settings, make=False)
    except KeysUnusable as error:
        return error


def _opened(
    key: StoredKey, wrapping: Wrapping | KeysUnusable
) -> tuple[SigningKey | None, str | None]:
    try:
        if isinstance(wrapping, KeysUnusable):
            raise wrapping
        return open_stored(key, wrapping), None
    except KeysUnusable as error:
        return None, str(error)
