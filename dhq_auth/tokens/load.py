"""Reading the keys; those that are missing are made, once, whoever comes first."""

import asyncio
import logging
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from dhq_auth.db import Db
from dhq_auth.events import Source
from dhq_auth.settings import Settings
from dhq_auth.tokens import store
from dhq_auth.tokens.errors import KeysUnusable
from dhq_auth.tokens.key import (
    SigningKey,
    new_private_key,
    open_given,
    open_stored,
    stored_form,
)
from dhq_auth.tokens.states import lifetime_of
from dhq_auth.tokens.store import GivenKey, KeyPurpose, Mark, StoredKey, StoredSecret
from dhq_auth.tokens.wrapping import Wrapping, is_wrapped
from dhq_auth.work import Transaction, Work

_log = logging.getLogger(__name__)

INSTANCE: Final = "instance"
"""The name of the secret that all processes of a database share."""


@dataclass(frozen=True, slots=True)
class KeyRows:
    """The keys as they lie in the database at one time; stored ones the newest first."""

    stored: Sequence[StoredKey]
    given: Sequence[GivenKey]
    secret: StoredSecret | None
    marks: frozenset[Mark]

    def of(self, purpose: KeyPurpose) -> list[StoredKey]:
        """Return the stored keys for *purpose*, the newest first."""
        return [key for key in self.stored if key.purpose is purpose]

    @property
    def lie_open(self) -> bool:
        """Whether all this was written while there was no SECRET_KEY."""
        return bool(self.stored) and not any(is_wrapped(key.private_key) for key in self.stored)


@dataclass(frozen=True, slots=True)
class LoadedKeys:
    """The keys of a process, of each purpose the one with precedence first, and its secret.

    `faults` says why something cannot be opened, by its `kid` or the name of the secret, which then
    is None.
    """

    keys: Sequence[SigningKey]
    secret: bytes | None = field(repr=False)
    faults: Mapping[str, KeysUnusable]
    rows: KeyRows


class KeyLoader:
    """Reads the keys of a database as *settings* and *wrapping* open them."""

    def __init__(self, work: Work, settings: Settings, wrapping: Wrapping) -> None:
        self._work = work
        self._settings = settings
        self._wrapping = wrapping

    async def load(self, known: Iterable[SigningKey] = ()) -> LoadedKeys:
        """Return all keys; those that are missing are made, and so is the secret.

        Service keys of PRIVATE_KEY come before stored ones, which go on verifying. What is *known*
        need not be opened again. Raises KeysUnusable where PRIVATE_KEY is the key of login tokens.
        """
        rows = await self._rows()
        if rows.lie_open and self._wrapping.wraps:
            await self._begin_to_wrap(rows)
            rows = await self._rows()
        given = given_keys(self._settings)
        present = {key.purpose for key in rows.stored} | {key.purpose for key in given}
        if missing := [purpose for purpose in KeyPurpose if purpose not in present]:
            await self._make(missing)
            rows = await self._rows()
        if rows.secret is None:
            await self._make_secret(rows.of(KeyPurpose.LOGIN)[-1])
            rows = await self._rows()
        opened, faults = self._opened(rows, {key.kid: key for key in known})
        _tell_apart(given, opened)
        secret = None
        try:
            secret = open_secret(rows.secret, self._wrapping)
        except KeysUnusable as error:
            faults[INSTANCE] = error
        return LoadedKeys([*given, *opened], secret, faults, rows)

    async def _rows(self) -> KeyRows:
        async with self._work.read() as db:
            return await read_rows(db)

    def _opened(
        self, rows: KeyRows, known: Mapping[str, SigningKey]
    ) -> tuple[list[SigningKey], dict[str, KeysUnusable]]:
        opened: list[SigningKey] = []
        faults: dict[str, KeysUnusable] = {}
        for stored in rows.stored:
            try:
                key = known.get(stored.kid) or open_stored(stored, self._wrapping)
                opened.append(replace(key, signs_from=stored.begins))
            except KeysUnusable as error:
                faults[stored.kid] = error
        for given in rows.given:
            try:
                key = known.get(given.kid) or open_given(given, self._wrapping)
                opened.append(replace(key, signs_from=None))
            except KeysUnusable as error:
                faults[given.kid] = error
        return opened, faults

    async def _make(self, purposes: Sequence[KeyPurpose]) -> None:
        """Make the first keys, which sign at once: nobody has heard of this database yet."""
        made = await asyncio.gather(*(asyncio.to_thread(new_private_key) for _ in purposes))

        async def change(tx: Transaction) -> None:
            for purpose, private_key in zip(purposes, made, strict=True):
                key = SigningKey.of(private_key, purpose, tx.now, tx.now)
                lifetime = lifetime_of(purpose, self._settings)
                await store.add_key(tx.db, stored_form(key, 1, self._wrapping, lifetime))

        await self._work.transact(Source(), change)

    async def _begin_to_wrap(self, rows: KeyRows) -> None:
        """Wrap everything, since there is a SECRET_KEY now; the secret is made anew.

        Keys that everybody could read here go on, since tokens and verifiers depend on them. On the
        secret nothing does but that others have it not.
        """
        value = self._wrapping.wrap(b64encode(secrets.token_bytes(32)).decode())

        async def change(tx: Transaction) -> None:
            for key in rows.stored:
                wrapped = self._wrapping.rewrapped(key.private_key)
                await store.rewrap_key(tx.db, key.kid, key.private_key, wrapped)
            for given in rows.given:
                wrapped = self._wrapping.rewrapped(given.public_key)
                await store.rewrap_given(tx.db, given.kid, given.public_key, wrapped)
            if rows.secret:
                await store.rewrap_secret(tx.db, INSTANCE, rows.secret.value, value)
            await store.add_secret(tx.db, StoredSecret(INSTANCE, value, tx.now))

        await self._work.transact(Source(), change)
        _log.warning(
            "SECRET_KEY wraps the keys in the database from now on; what the audit log sealed "
            "before, when it was not set, cannot be verified any more"
        )

    async def _make_secret(self, oldest: StoredKey) -> None:
        """Keep the secret that the version before derived from its *oldest* login key each time.

        HMAC (RFC 2104 2) takes SHA-256 of a key as long as that for the key itself.
        """
        pem = open_stored(oldest, self._wrapping).jwk.as_pem(private=True)
        value = self._wrapping.wrap(b64encode(sha256(pem).digest()).decode())
        await self._work.transact(
            Source(), lambda tx: store.add_secret(tx.db, StoredSecret(INSTANCE, value, tx.now))
        )


def open_secret(stored: StoredSecret | None, wrapping: Wrapping) -> bytes:
    """Return the secret that all processes of one database share; raises KeysUnusable."""
    if stored is None:
        raise KeysUnusable("DATABASE_URL: the secret in the table secrets was deleted; start again")
    try:
        value = wrapping.unwrap(stored.value, f"the secret {stored.name}")
        return b64decode(value, validate=True)
    except ValueError:
        raise KeysUnusable(
            f"DATABASE_URL: the secret {INSTANCE} in the table secrets is damaged; restore it "
            "from a backup, or delete the row and a new one is made"
        ) from None


def given_keys(settings: Settings) -> list[SigningKey]:
    """Return the keys of PRIVATE_KEY: the first signs, the others are announced and verify."""
    given = [SigningKey.of(key, KeyPurpose.SERVICE) for key in settings.private_keys or ()]
    return [*given[:1], *(replace(key, signs_from=None) for key in given[1:])]


async def read_rows(db: Db) -> KeyRows:
    """Return all that is stored of keys."""
    return KeyRows(
        await store.stored_keys(db),
        await store.stored_given_keys(db),
        await store.stored_secret(db, INSTANCE),
        await store.marks(db),
    )


def _tell_apart(given: Sequence[SigningKey], opened: Sequence[SigningKey]) -> None:
    login = {key.kid for key in opened if key.purpose is KeyPurpose.LOGIN}
    if any(key.kid in login for key in given):
        raise KeysUnusable(
            "PRIVATE_KEY: is the key of login tokens, which services must not accept; "
            "give it a key of its own, or leave it out"
        )
