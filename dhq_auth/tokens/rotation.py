"""Keys turn over: a new one is announced, an old one forgotten, one that leaked is revoked at once.

Several processes may do so at the same moment: of each generation there is one key.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dhq_auth.clock import rfc3339
from dhq_auth.errors import NotFound
from dhq_auth.events import KeyAnnounced, KeyDeleted, KeyRevoked, Source
from dhq_auth.message import Message
from dhq_auth.revocations import store as revocations
from dhq_auth.settings import Settings
from dhq_auth.tokens import store
from dhq_auth.tokens.key import SigningKey, new_private_key, stored_form
from dhq_auth.tokens.states import (
    ANNOUNCED_FOR,
    KeyState,
    Standing,
    given_until,
    lifetime_of,
    standings,
)
from dhq_auth.tokens.store import KEPT_LONGER, KeyPurpose, StoredKey
from dhq_auth.tokens.wrapping import Wrapping
from dhq_auth.work import Transaction, Work

Due = Callable[[Sequence[StoredKey], datetime], bool]
"""Whether these keys of one purpose, the newest first, want a new one now."""
NOBODY: Final = Source()


@dataclass(frozen=True, slots=True)
class Revoked:
    """What became of a revoked key; `successor` is the key that was made to sign in its place."""

    purpose: KeyPurpose
    successor: str | None


class Rotation:
    """Changes the keys of one database, as *settings* have them."""

    def __init__(self, work: Work, settings: Settings, wrapping: Wrapping) -> None:
        self._work = work
        self._settings = settings
        self._wrapping = wrapping

    async def announce(self, purpose: KeyPurpose, due: Due | None = None) -> StoredKey | None:
        """Return the key that will sign next: the one that is announced already, or a new one.

        With *due* a new one is made only if it says so, and None returned where it does not. Raises
        Unavailable.
        """
        async with self._work.read() as db:
            keys, now = await store.stored_keys(db, purpose), self._work.now()
        if _is_announced(keys, now):
            return keys[0]
        if due and not due(keys, now):
            return None
        made = await asyncio.to_thread(new_private_key)

        async def change(tx: Transaction) -> StoredKey | None:
            keys = await store.stored_keys(tx.db, purpose)
            while not _is_announced(keys, tx.now):
                if due and not due(keys, tx.now):
                    return None
                key = SigningKey.of(made, purpose, tx.now, tx.now + ANNOUNCED_FOR)
                if await self._add(tx, key, keys):
                    break
                keys = await store.stored_keys(tx.db, purpose)  # somebody else was faster
            return (await store.stored_keys(tx.db, purpose))[0]

        return await self._work.transact(NOBODY, change)

    async def revoke(self, kid: str) -> Revoked:
        """Forget the key *kid* now: whatever it has signed is refused, everywhere.

        If it signs, a new one does so at once. Raises NotFound for a key that is not stored,
        Unavailable.
        """
        made = await asyncio.to_thread(new_private_key)

        async def change(tx: Transaction) -> Revoked:
            before = await store.stored_keys(tx.db)
            purpose = next((key.purpose for key in before if key.kid == kid), KeyPurpose.SERVICE)
            if not await store.delete_key(tx.db, kid):
                raise NotFound(Message("There is no key {kid} in the database.", kid=kid))
            successor = None
            if self._signs(kid, before, tx.now):
                successor = SigningKey.of(made, purpose, tx.now, tx.now)
                while not await self._add(tx, successor, before):  # a rotation was faster
                    before = await store.stored_keys(tx.db)
            await revocations.add(tx.db, "kid", kid, tx.now)
            replaced_by = successor.kid if successor else None
            tx.emit(
                KeyRevoked(user_id=None, key_id=kid, purpose=purpose.value, successor=replaced_by)
            )
            return Revoked(purpose, replaced_by)

        return await self._work.transact(NOBODY, change)

    async def forget_what_is_over(self) -> None:
        """Delete the keys whose last token has expired; raises Unavailable."""
        async with self._work.read() as db:
            stored, given = await store.stored_keys(db), await store.stored_given_keys(db)
        now = self._work.now()
        if not (self._over(stored, now) or any(given_until(key) <= now for key in given)):
            return

        async def change(tx: Transaction) -> None:
            for key in self._over(await store.stored_keys(tx.db), tx.now):
                lifetime = lifetime_of(key.purpose, self._settings)
                if await store.delete_key(
                    tx.db, key.kid, unused_since=tx.now - lifetime - KEPT_LONGER
                ):
                    tx.emit(KeyDeleted(user_id=None, key_id=key.kid, purpose=key.purpose.value))
            for given in await store.stored_given_keys(tx.db):
                if given_until(given) <= tx.now:
                    await store.delete_key(tx.db, given.kid, unused_since=given.used_at)

        await self._work.transact(NOBODY, change)

    def _over(self, stored: Sequence[StoredKey], now: datetime) -> list[StoredKey]:
        return [key for key, standing in self._standing(stored, now) if standing.is_over(now)]

    def _signs(self, kid: str, stored: Sequence[StoredKey], now: datetime) -> bool:
        standing = {key.kid: each.state for key, each in self._standing(stored, now)}
        return standing.get(kid) is KeyState.SIGNING

    def _standing(
        self, stored: Sequence[StoredKey], now: datetime
    ) -> Iterator[tuple[StoredKey, Standing]]:
        for purpose in KeyPurpose:
            keys = [key for key in stored if key.purpose is purpose]
            yield from zip(keys, standings(keys, purpose, self._settings, now), strict=True)

    async def _add(self, tx: Transaction, key: SigningKey, before: Sequence[StoredKey]) -> bool:
        of_purpose = (each.generation for each in before if each.purpose is key.purpose)
        generation = max(of_purpose, default=0) + 1
        lifetime = lifetime_of(key.purpose, self._settings)
        added = stored_form(key, generation, self._wrapping, lifetime)
        if not await store.add_key(tx.db, added):
            return False
        tx.emit(
            KeyAnnounced(
                user_id=None,
                key_id=key.kid,
                purpose=key.purpose.value,
                signs_from=rfc3339(added.begins),
            )
        )
        return True


def _is_announced(keys: Sequence[StoredKey], now: datetime) -> bool:
    """Whether the newest of *keys* is still to sign; the only one signs, whatever its time."""
    return len(keys) > 1 and keys[0].begins > now
