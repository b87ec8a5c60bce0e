"""What Prometheus is told of deliveries."""

from collections.abc import Collection, Mapping
from datetime import datetime

from dhq_auth.metrics import Metrics


class Numbers:
    """Deliveries by the extension and the outcome of each try, and what is owed."""

    def __init__(self, metrics: Metrics, names: Collection[str]) -> None:
        outcomes = ("delivered", "failed", "given_up")
        self._names = names
        self._tried = metrics.counter(
            "deliveries_tried_total",
            "Tries of extensions to deliver an event.",
            extension=names,
            outcome=outcomes,
        )
        self._owed = metrics.gauge(
            "deliveries_owed",
            "Events that are still to be delivered.",
            across="max",
            extension=names,
        )
        self._oldest = metrics.gauge(
            "deliveries_oldest_seconds",
            "Age of the oldest of them.",
            across="max",
            extension=names,
        )

    def tried(self, name: str, outcome: str) -> None:
        """Count a try of the extension *name*."""
        self._tried.inc(name, outcome)

    def owed(self, counts: Mapping[str, tuple[int, datetime]], now: datetime) -> None:
        """Set how many are owed, and since when the oldest is."""
        for name in self._names:
            count, oldest = counts.get(name, (0, now))
            self._owed.set(count, name)
            self._oldest.set(max(0.0, (now - oldest).total_seconds()), name)
