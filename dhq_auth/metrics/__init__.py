"""Numbers for Prometheus.

How to declare one, and how it gets its values:

`create_app` makes one `Metrics` and hands it on; whoever counts something declares it there, once:

    sent = metrics.counter("webhook_deliveries_total", "Deliveries.", outcome=("sent", "failed"))
    waiting = metrics.gauge("webhook_deliveries_waiting", "Deliveries to be sent.", across="max")
    took = metrics.histogram("webhook_duration_seconds", "Seconds per delivery.")

    sent.inc("failed")          # values of labels by position, in the order of the declaration
    waiting.set(3)
    took.observe(0.2)
    tally = took.tally()        # for every request: `tally.note(0.2)`, told by a watcher (below)

- Each name gets the prefix `dhq_auth_`, and ends in its unit (`_seconds`, `_bytes`), or in `_total`.
- The values that a label may have are part of the declaration; any other is counted as `other`, so
  that no caller can make series. `None` stands for values that we choose ourselves, of which there
  are few. Never label by user, address, path, token, or text that somebody sent.
- What is at hand anyhow (a queue, a pool, a plain integer that counts) need not know of metrics:
  `metrics.watch(read)` has *read* called before each scrape; it sets gauges, and lets counters
  `follow` integers. It must be quick and await nothing. What lies in the database is set by the
  task that looks there anyhow: a scrape asks no database.
- With several workers each number is of all of them: counters and histograms are added up; of
  gauges `across` says what is told, the `sum`, the `max`, the `min` or the `mostrecent`.

prometheus-client is loaded when the first `Metrics` is made, not by importing this.
"""

from dhq_auth.metrics.families import OTHER, Counter, Gauge, Histogram
from dhq_auth.metrics.registry import Metrics
from dhq_auth.metrics.tally import Tally

__all__ = ["OTHER", "Counter", "Gauge", "Histogram", "Metrics", "Tally"]
