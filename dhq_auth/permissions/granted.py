"""What is granted is a fact of the audit log when it is new, or other than before."""

import json
from hashlib import sha256
from typing import Final

from dhq_auth.errors import Conflict, InvalidCredential
from dhq_auth.events import PermissionsGranted, Source
from dhq_auth.hookspecs import Grant
from dhq_auth.permissions import store
from dhq_auth.revocations.memory import LONGEST, Memory, Shelf
from dhq_auth.work import Transaction, Work

SIZE: Final = 4096
MAX_NAMES: Final = 100
MAX_NAME: Final = 80
_canonical: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def digest_of(grant: Grant) -> str:
    """Return the SHA-256 of all that *grant* lets, in hexadecimal."""
    whole = {"filters": grant.filters, "permissions": grant.permissions}
    return sha256(_canonical(whole).encode()).hexdigest()


class Grants:
    """What each user is granted in each service, as the audit log has it."""

    def __init__(self, work: Work, memory: Memory) -> None:
        self._work = work
        self._memory = memory
        self._shelf = Shelf[str](memory, SIZE)

    async def note(
        self, source: Source, user_id: str, service: str, grant: Grant, digest: str
    ) -> None:
        """Let it be known what the user is granted in *service*, unless that was so before.

        *digest* is that of *grant*. Whoever asks at the same moment tells it, or finds it told.
        Raises InvalidCredential for a user who is gone meanwhile.
        """
        now, mark = self._work.now(), self._memory.mark()
        key = (user_id, service)
        if self._shelf.get(key, now) == digest:
            return
        last = await store.last_grant(self._work, user_id, service)
        if last == digest:
            tags = (("user", user_id),)
            self._shelf.put(key, digest, since=now, until=now + LONGEST, tags=tags, mark=mark)
            return
        try:
            await self._tell(source, user_id, service, grant, digest)
        finally:  # of several that are told at once the row says which was the last
            self._shelf.discard(key)

    async def _tell(
        self, source: Source, user_id: str, service: str, grant: Grant, digest: str
    ) -> None:
        async def change(tx: Transaction) -> None:
            row = (user_id, service, digest, tx.now)
            first = await store.add_grant(tx.db, *row)
            if first or await store.change_grant(tx.db, *row):
                tx.emit(
                    PermissionsGranted(
                        user_id=user_id,
                        service=service,
                        permissions=_names(grant),
                        has_filters=bool(grant.filters),
                        digest=digest,
                        first=first,
                    )
                )

        try:
            await self._work.transact(source, change)
        except Conflict as error:
            raise InvalidCredential("the user is gone", reason="revoked") from error


def _names(grant: Grant) -> tuple[str, ...]:
    """Return what is granted without a condition, by name: what is false or empty is not."""
    granted = (name[:MAX_NAME] for name, value in sorted(grant.permissions.items()) if value)
    return tuple(dict.fromkeys(granted))[:MAX_NAMES]
