"""Logins, as those see them who watch: numbers, and a line of the log for each that fails.

The line is for programs that shut out addresses, such as fail2ban: it has the address of the client
and words of ours, nothing that he sent. See docs/monitoring.md.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import Final

from dhq_auth.events import Event, LoggedIn, LoginRefused, Source
from dhq_auth.metrics import Metrics

PASSWORD: Final = "password"  # noqa: S105 - the name of the provider in events
THROTTLED: Final = "throttled"
"""The reason of a refusal that is in the audit log once for many; `Logins.throttled` hears of each."""
OUTCOMES: Final = ("succeeded", "refused", "throttled")

log = logging.getLogger("dhq_auth.logins")


class Logins:
    """Counts logins by provider and outcome, and logs those that fail."""

    def __init__(self, metrics: Metrics, providers: Iterable[str]) -> None:
        self._logins = metrics.counter(
            "logins_total",
            "Logins, by provider and outcome.",
            provider=(PASSWORD, *providers),
            outcome=OUTCOMES,
        )

    def tell(self, events: Sequence[Event]) -> None:
        """Take note of what is committed."""
        for event in events:
            if isinstance(event, LoggedIn):
                self._logins.inc(event.provider, "succeeded")
            elif isinstance(event, LoginRefused) and event.reason != THROTTLED:
                self._logins.inc(event.provider, "refused")
                address = event.source.address
                log.warning(
                    "login refused from %s: %s",
                    address,
                    event.reason,
                    extra={"address": address, "provider": event.provider, "reason": event.reason},
                )

    def throttled(self, source: Source) -> None:
        """Take note of a password that was not even judged, since there were too many."""
        self._logins.inc(PASSWORD, "throttled")
        log.warning("login throttled from %s", source.address, extra={"address": source.address})
