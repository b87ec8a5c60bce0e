"""What is over is forgotten, so that no table grows with time; RULES and LASTING name each table."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from dhq_auth.access.codes import store as codes
from dhq_auth.api_tokens import store as api_tokens
from dhq_auth.db import Db
from dhq_auth.errors import Unavailable
from dhq_auth.events import Source
from dhq_auth.host_sessions import store as host_sessions
from dhq_auth.login import store as logins
from dhq_auth.outbox import store as outbox
from dhq_auth.revocations import store as revocations
from dhq_auth.sessions import store as sessions
from dhq_auth.settings import Settings
from dhq_auth.throttle import store as limits
from dhq_auth.tokens.revoked import store as revoked_tokens
from dhq_auth.work import Transaction, Work

log = logging.getLogger(__name__)

INTERVAL: Final = 60.0
AFTER_START: Final = 3.0
"""Seconds for which a process that has just started does nothing but answer."""
BATCH: Final = 500
"""Rows that go in one transaction."""
BREATH: Final = 0.02
"""Seconds between two batches, in which others write: SQLite has one writer at a time."""


class Forget(Protocol):
    """Forgets up to *limit* rows of one table that are over *now*; returns how many those were."""

    async def __call__(self, db: Db, now: datetime, *, limit: int) -> int: ...  # noqa: D102


def rules(settings: Settings) -> Mapping[str, Forget]:
    """Return for each table with rows that end, by itself, how they are forgotten."""
    deliveries = partial(
        outbox.prune,
        kept=settings.upkeep.delivery_retention,
        installed=[extension.name for extension in settings.extensions],
    )
    return {
        "login_attempts": logins.prune,
        "login_codes": codes.prune,
        "sessions": sessions.prune,
        "host_sessions": host_sessions.prune,
        "api_tokens": api_tokens.prune,
        "revocations": revoked_tokens.prune,
        "revocation_feed": revocations.prune,
        "rate_limits": limits.prune,
        "deliveries": deliveries,
    }


LASTING: Final[Mapping[str, str]] = {
    "users": "an account is there until somebody deletes it",
    "identities": "they go with their user",
    "passwords": "one of each user, which goes with him",
    "permission_grants": "one of each user and service, which go with the user",
    "policies": "administrators make and delete them",
    "signing_keys": "whoever lets keys turn over forgets them (tokens.rotation)",
    "given_keys": "whoever lets keys turn over forgets them (tokens.rotation)",
    "audit_events": "whoever seals the log removes whole batches of it (AUDIT_RETENTION)",
    "audit_seals": "they go with the batches that they seal",
    "setup": "one row",
    "secrets": "one row",
    "duties": "one row for each",
    "compatibility": "one row",
    "migration_lock": "one row",
}
"""The tables without a rule, and why they need none."""


async def prune(work: Work, forget: Forget) -> int:
    """Forget all that is over by one rule; return how many rows that were.

    A batch in each transaction: of several processes at once each does a part, and whoever wants to
    write comes in between. Raises Unavailable.
    """

    async def change(tx: Transaction) -> int:
        return await forget(tx.db, tx.now, limit=BATCH)

    gone = last = await work.transact(Source(), change)
    while last >= BATCH:
        await asyncio.sleep(BREATH)
        last = await work.transact(Source(), change)
        gone += last
    return gone


async def keep_house(
    work: Work, settings: Settings, *, after: float = AFTER_START, interval: float = INTERVAL
) -> None:
    """Prune every table once in each *interval*, for as long as the process lives.

    The first time is *after* so many seconds. A failure at one table is told once, tried again the
    next time, and does not keep the others from being pruned.
    """
    told: set[str] = set()
    await asyncio.sleep(after)
    while True:
        for table, forget in rules(settings).items():
            await _prune_in_peace(work, table, forget, told)
        await asyncio.sleep(interval)


async def _prune_in_peace(work: Work, table: str, forget: Forget, told: set[str]) -> None:
    try:
        await prune(work, forget)
    except Unavailable as error:
        if not told:
            log.warning("housekeeping is put off: %s", error)
        told.add(table)
    except Exception:  # one table that cannot be pruned must not keep the others from it
        if table not in told:
            log.exception("what is over in %s cannot be forgotten", table)
        told.add(table)
    else:
        told.discard(table)
