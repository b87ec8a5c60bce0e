"""What is over is forgotten: logins, codes, sessions, tokens, revocations, limits, in small batches."""

import asyncio
import logging
from datetime import timedelta
from typing import Final

from dhq_auth.access.codes import store as codes
from dhq_auth.api_tokens import store as api_tokens
from dhq_auth.errors import Unavailable
from dhq_auth.events import Source
from dhq_auth.host_sessions import store as host_sessions
from dhq_auth.login import store as logins
from dhq_auth.outbox import store as outbox
from dhq_auth.revocations import store as revocations
from dhq_auth.sessions import store as sessions
from dhq_auth.throttle import store as limits
from dhq_auth.tokens import store as tokens
from dhq_auth.work import Transaction, Work

log = logging.getLogger(__name__)

INTERVAL = 60.0
AFTER_START = 3.0
"""Seconds for which a process that has just started does nothing but answer."""
BATCH = 500
DELIVERIES_KEPT: Final = timedelta(days=30)


async def prune(work: Work, *, deliveries_kept: timedelta = DELIVERIES_KEPT) -> int:
    """Forget one batch of what is over; return how many rows that were.

    Deliveries that ended are remembered for as long as *deliveries_kept*.
    """

    async def forget(tx: Transaction) -> int:
        return (
            await logins.prune(tx.db, tx.now, BATCH)
            + await codes.prune(tx.db, tx.now, BATCH)
            + await host_sessions.prune(tx.db, tx.now, BATCH)
            + await sessions.prune(tx.db, tx.now, BATCH)
            + await tokens.prune(tx.db, tx.now, BATCH)
            + await revocations.prune(tx.db, tx.now, BATCH)
            + await api_tokens.prune(tx.db, tx.now, BATCH)
            + await limits.prune(tx.db, tx.now, BATCH)
            + await outbox.prune(tx.db, tx.now, deliveries_kept, BATCH)
        )

    return await work.transact(Source(), forget)


async def keep_house(
    work: Work, *, after: float = AFTER_START, deliveries_kept: timedelta = DELIVERIES_KEPT
) -> None:
    """Prune once a minute, for as long as the process lives; a failure is tried again.

    The first time is *after* so many seconds; *deliveries_kept* is as for `prune`.
    """
    await asyncio.sleep(after)
    while True:
        try:
            while await prune(work, deliveries_kept=deliveries_kept) >= BATCH:
                pass
        except Unavailable as error:
            log.warning("housekeeping is put off: %s", error)
        except Exception:  # the next minute may be a better one
            log.exception("housekeeping failed")
        await asyncio.sleep(INTERVAL)
