"""Limits on rates, in this process: for what is cheap to refuse and costs nothing to forget."""

from collections import deque
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from dhq_auth.clock import Clock
from dhq_auth.errors import TooManyRequests

WINDOW = timedelta(minutes=1)
MAX_CLIENTS = 10_000
"""Clients that are remembered; who has more addresses than that is not held by any of them."""


class RateLimit:
    """So many in each minute for each client; the minute slides.

    *refusal* is the sentence for who has spent them all, *name* what the limit is called in metrics.
    """

    def __init__(self, per_minute: int, now: Clock, refusal: str, *, name: str) -> None:
        self._limit = per_minute
        self._name = name
        self._now = now
        self._refusal = refusal
        self._spent: dict[str, deque[datetime]] = {}

    def spend(self, address: str) -> None:
        """Count one more of *address*, or raise TooManyRequests with the seconds to wait."""
        client, now = client_of(address), self._now()
        # Taken out and put back at the end: the first of the dict is who was idle the longest.
        spent = self._spent.pop(client, deque())
        # Times to come are from before the clock was set back: they would block for too long.
        while spent and not now - WINDOW < spent[0] <= now:
            spent.popleft()
        self._spent[client] = spent
        if len(spent) >= self._limit:
            wait = spent[0] + WINDOW - now
            raise TooManyRequests(
                self._refusal, retry_after=ceil(wait.total_seconds()), limit=self._name
            )
        spent.append(now)
        if len(self._spent) > MAX_CLIENTS:
            del self._spent[next(iter(self._spent))]


def client_of(address: str) -> str:
    """Return whom *address* belongs to: with IPv6 everybody has a whole /64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return (
        str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address
    )
