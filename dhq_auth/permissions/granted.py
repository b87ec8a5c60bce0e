"""What is granted is a fact of the audit log when it is new, or other than before."""

import json
from hashlib import sha256
from typing import Final

from dhq_auth.errors import Conflict, InvalidCredential
from dhq_auth.events import PermissionsGranted, Source
from dhq_auth.hookspecs import Grant
from dhq_auth.permissions import store
from dhq_auth.work import Transaction, Work

MAX_NAMES: Final = 100
MAX_NAME: Final = 80


def digest_of(grant: Grant) -> str:
    """Return the SHA-256 of all that *grant* lets, in hexadecimal."""
    whole = {"filters": grant.filters, "permissions": grant.permissions}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


async def remember(work: Work, source: Source, user_id: str, service: str, grant: Grant) -> None:
    """Let it be known what the user is granted in *service*, unless that was so before.

    Whoever asks at the same moment tells it, or finds it told. Raises InvalidCredential for a user
    who is gone meanwhile.
    """
    digest = digest_of(grant)
    async with work.read() as db:
        if await store.last_grant(db, user_id, service) == digest:
            return

    async def change(tx: Transaction) -> None:
        first = await store.add_grant(tx.db, user_id, service, digest, tx.now)
        if first or await store.change_grant(tx.db, user_id, service, digest, tx.now):
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
        await work.transact(source, change)
    except Conflict as error:
        raise InvalidCredential("the user is gone", reason="revoked") from error


def _names(grant: Grant) -> tuple[str, ...]:
    """Return what is granted without a condition, by name: what is false or empty is not."""
    granted = (name[:MAX_NAME] for name, value in sorted(grant.permissions.items()) if value)
    return tuple(dict.fromkeys(granted))[:MAX_NAMES]
