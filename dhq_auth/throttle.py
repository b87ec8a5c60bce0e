"""Limits on rates, in this process: for what is cheap to refuse and costs nothing to forget."""

import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from dhq_auth.errors import TooManyRequests


class RateLimit:
    """So many per minute for each key, such as an address."""

    def __init__(self, name: str, per_minute: int) -> None:
        self._name = name
        self._limit = RateLimitItemPerMinute(per_minute)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def spend(self, key: str) -> None:
        """Count one more of *key*, or raise TooManyRequests with the seconds to wait."""
        if not self._limiter.hit(self._limit, self._name, key):
            resets_at = self._limiter.get_window_stats(self._limit, self._name, key).reset_time
            raise TooManyRequests(
                "Too many logins were begun from here; wait a little.",
                retry_after=max(1, int(resets_at - time.time()) + 1),
            )
