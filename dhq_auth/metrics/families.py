"""Counters, gauges and histograms whose labels take only the values that were declared."""

from collections.abc import Collection, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, Final, Generic, Protocol, TypeVar

from dhq_auth.metrics.tally import Tally

OTHER: Final = "other"
"""What stands for every value that was not declared."""
AT_ONCE: Final = 100
"""So many series are shown from the start: a rate needs a zero before the first one."""

Labels = Mapping[str, Collection[str] | None]


class _Counting(Protocol):
    def inc(self, amount: float) -> None: ...


class _Showing(_Counting, Protocol):
    def set(self, value: float) -> None: ...


class _Spreading(Protocol):
    _buckets: Sequence[_Counting]
    _sum: _Counting

    def observe(self, amount: float) -> None: ...


Child = TypeVar("Child")


class _Family(Generic[Child]):
    """The series of one metric, each found by the values of its labels."""

    def __init__(self, metric: Any, labels: Labels) -> None:
        self._metric = metric
        self._known = [None if known is None else frozenset(known) for known in labels.values()]
        self._children: dict[tuple[str, ...], Child] = {}
        closed = [sorted(known) for known in self._known if known is not None]
        if len(closed) == len(self._known) and prod(map(len, closed)) <= AT_ONCE:
            for values in product(*closed):
                self._child(values)

    def _child(self, values: tuple[str, ...]) -> Child:
        # Only what was declared is remembered: what callers invent must not fill our memory.
        return self._children.get(values) or self._found(values)

    def _found(self, values: tuple[str, ...]) -> Child:
        bounded = tuple(
            value if known is None or value in known else OTHER
            for known, value in zip(self._known, values, strict=True)
        )
        child = self._children.get(bounded)
        if child is None:
            child = self._metric.labels(*bounded) if bounded else self._metric
            self._children[bounded] = child
        return child


class Counter(_Family[_Counting]):
    """What only grows."""

    def __init__(self, metric: Any, labels: Labels) -> None:
        super().__init__(metric, labels)
        self._followed: dict[tuple[str, ...], float] = {}

    def inc(self, *values: str, by: float = 1) -> None:
        """Count *by* more for these *values* of the labels."""
        self._child(values).inc(by)

    def follow(self, total: float, *values: str) -> None:
        """Count what *total*, which somebody else counts, has grown by since the last time."""
        grown = total - self._followed.get(values, 0)
        if grown > 0:
            self._child(values).inc(grown)
            self._followed[values] = total


class Gauge(_Family[_Showing]):
    """What is so now."""

    def set(self, value: float, *values: str) -> None:
        """Show *value* for these *values* of the labels."""
        self._child(values).set(value)

    def inc(self, *values: str, by: float = 1) -> None:
        """Show *by* more, or, where that is negative, less."""
        self._child(values).inc(by)


class Histogram(_Family[_Spreading]):
    """How values are spread, by the upper bounds *bounds*."""

    def __init__(self, metric: Any, labels: Labels, bounds: Sequence[float]) -> None:
        super().__init__(metric, labels)
        self._bounds = bounds

    def observe(self, amount: float, *values: str) -> None:
        """Count *amount* in for these *values* of the labels."""
        self._child(values).observe(amount)

    def tally(self) -> Tally:
        """Return what amounts of one series are counted in until they are told by `tell`."""
        return Tally(self._bounds)

    def tell(self, tally: Tally, *values: str) -> None:
        """Count in all that *tally* holds for these *values* of the labels, and clear it."""
        # prometheus-client has no way to count several at once.
        child = self._child(values)
        child._sum.inc(tally.total)  # noqa: SLF001
        for bucket, number in zip(child._buckets, tally.counts, strict=True):  # noqa: SLF001
            if number:
                bucket.inc(number)
        tally.clear()
