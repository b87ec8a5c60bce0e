"""All the numbers of one service, and how a scrape gets them.

prometheus-client's package brings an HTTP server along, so it is put in place without being run
(see `unrun`); the first scrape loads what writes the numbers out.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, Literal

from dhq_auth import unrun
from dhq_auth.metrics import shared
from dhq_auth.metrics.families import Counter, Gauge, Histogram, Labels

PREFIX: Final = "dhq_auth_"
DURATIONS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The bounds of histograms of seconds, unless others are named."""

Across = Literal["sum", "max", "min", "mostrecent"]


class Metrics:
    """The numbers that a service declares; with several workers, of all of them together."""

    def __init__(self) -> None:
        self._kinds = _kinds()
        self._registry = self._kinds.CollectorRegistry()
        self._readers: list[Callable[[], None]] = []

    def counter(self, name: str, meaning: str, **labels: Any) -> Counter:
        """Declare what only grows; *labels* are the names with the values that they may have."""
        return Counter(self._declare(self._kinds.Counter, name, meaning, labels), labels)

    def gauge(self, name: str, meaning: str, *, across: Across = "sum", **labels: Any) -> Gauge:
        """Declare what is so now; *across* is how those of several workers come to one."""
        metric = self._declare(
            self._kinds.Gauge, name, meaning, labels, multiprocess_mode=f"live{across}"
        )
        return Gauge(metric, labels)

    def histogram(
        self, name: str, meaning: str, *, buckets: Sequence[float] = DURATIONS, **labels: Any
    ) -> Histogram:
        """Declare how values are spread, by the upper bounds *buckets*."""
        metric = self._declare(self._kinds.Histogram, name, meaning, labels, buckets=buckets)
        return Histogram(metric, labels, buckets)

    def watch(self, read: Callable[[], None]) -> None:
        """Have *read* called before each scrape: it brings its numbers up to date, and is quick."""
        self._readers.append(read)

    def read(self) -> None:
        """Bring up to date what is watched, in the thread that serves."""
        for read in self._readers:
            read()

    @property
    def is_shared(self) -> bool:
        """Whether other workers answer for us, too, so that what is watched must be told them."""
        return shared.mine() is not None

    def exposition(self) -> bytes:
        """Return the numbers in Prometheus' text format, version 0.0.4; any thread may call it."""
        from prometheus_client import exposition  # noqa: PLC0415 - most of it, for who asks

        registry = self._registry
        if place := shared.mine():
            from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

            registry = self._kinds.CollectorRegistry()
            MultiProcessCollector(registry, str(place.folder))  # type: ignore[no-untyped-call]
        text: bytes = exposition.generate_latest(registry)
        return text

    def _declare(
        self, kind: Any, name: str, meaning: str, labels: Labels, **options: object
    ) -> Any:
        # What a process says of itself has a name that every dashboard knows.
        name = name if name.startswith("process_") else f"{PREFIX}{name}"
        return kind(name, meaning, [*labels], registry=self._registry, **options)


def _kinds() -> Any:
    """Return prometheus-client's metrics, with values where workers can read them, or here."""
    unrun.put_in_place("prometheus_client")
    from prometheus_client import metrics, values  # noqa: PLC0415 - a MiB, for who serves

    metrics.disable_created_metrics()  # type: ignore[no-untyped-call]
    values.ValueClass = _value_class(shared.mine())
    return metrics


@cache
def _value_class(place: shared.Place | None) -> Any:
    from prometheus_client.values import MultiProcessValue, MutexValue  # noqa: PLC0415

    return MutexValue if place is None else MultiProcessValue(lambda: place.name)  # type: ignore[no-untyped-call]
