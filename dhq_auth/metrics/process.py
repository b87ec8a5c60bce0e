"""What the process takes of the machine, by the names that dashboards know: `process_…`."""

from functools import cache, partial
from typing import Any, Final

from dhq_auth.metrics.families import Counter, Gauge
from dhq_auth.metrics.registry import Metrics

_GAUGES: Final = {
    "process_resident_memory_bytes": ("Resident memory.", "sum"),
    "process_virtual_memory_bytes": ("Virtual memory.", "sum"),
    "process_open_fds": ("Open files and connections.", "sum"),
    "process_max_fds": ("Files and connections that one process may open.", "min"),
    "process_start_time_seconds": ("When the process was started, in Unix time.", "min"),
}


def watch_process(metrics: Metrics) -> None:
    """Declare in *metrics* what this process takes; of several workers, what they take together."""
    declare: Any = metrics.gauge
    gauges: dict[str, Gauge] = {
        name: declare(name, meaning, across=across) for name, (meaning, across) in _GAUGES.items()
    }
    cpu = metrics.counter("process_cpu_seconds_total", "Processor time, of user and system.")
    metrics.watch(partial(_read, gauges, cpu))


@cache
def _collector() -> Any:
    from prometheus_client.process_collector import ProcessCollector  # noqa: PLC0415 - who asks

    return ProcessCollector(registry=None)


def _read(gauges: dict[str, Gauge], cpu: Counter) -> None:
    for family in _collector().collect():
        for sample in family.samples:
            if sample.name in gauges:
                gauges[sample.name].set(sample.value)
            elif sample.name == "process_cpu_seconds_total":
                cpu.follow(sample.value)
