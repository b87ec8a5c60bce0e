"""When a delivery that failed is tried again: ten tries in three days and a half."""

import random
from datetime import timedelta
from typing import Final

WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""After the first try, the second, …: what Standard Webhooks recommends."""
TRIES: Final = len(WAITS) + 1
LONGEST: Final = timedelta(days=1)
"""For how long a receiver can put a delivery off at a time."""
JITTER: Final = 0.2
"""The part of a wait that is added at random, so that what failed together comes back apart."""


def wait_after(attempt: int, asked: timedelta | None = None) -> timedelta | None:
    """Return how long to wait after the try number *attempt*; None: that was the last.

    A receiver that *asked* for more time gets it, up to LONGEST.
    """
    if attempt >= TRIES:
        return None
    wait = WAITS[attempt - 1]
    if asked is not None:
        wait = max(wait, min(asked, LONGEST))
    return wait * random.uniform(1, 1 + JITTER)  # noqa: S311 - no secret
