"""What is counted for every request: in plain numbers here, and told to the histogram now and then."""

from bisect import bisect_left
from collections.abc import Sequence


class Tally:
    """Amounts of one series, spread over the buckets with the upper bounds *bounds*, to be told."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.clear()

    def note(self, amount: float) -> None:
        """Count *amount* in."""
        self.counts[bisect_left(self._bounds, amount)] += 1
        self.total += amount

    def clear(self) -> None:
        """Forget what has been told."""
        self.counts = [0] * (len(self._bounds) + 1)
        self.total = 0.0
