"""What is over is forgotten: expired logins, codes, sessions and revocations, in small batches."""

import asyncio
import logging

from dhq_auth.errors import AuthError
from dhq_auth.events import Source
from dhq_auth.login import store as logins
from dhq_auth.sessions import store as sessions
from dhq_auth.tokens import store as tokens
from dhq_auth.work import Work

log = logging.getLogger(__name__)

INTERVAL = 60.0
BATCH = 500


async def prune(work: Work) -> int:
    """Forget one batch of what is over; return how many rows that were."""
    async with work.transaction(Source()) as tx:
        return (
            await logins.prune(tx.db, tx.now, BATCH)
            + await sessions.prune(tx.db, tx.now, BATCH)
            + await tokens.prune(tx.db, tx.now, BATCH)
        )


async def _prune_all(work: Work) -> None:
    while await prune(work) >= BATCH:
        pass


async def keep_house(work: Work) -> None:
    """Prune once a minute, for as long as the process lives; a failure is tried again."""
    while True:
        try:
            await _prune_all(work)
        except AuthError as error:
            log.warning("housekeeping put off: %s", error)
        await asyncio.sleep(INTERVAL)
