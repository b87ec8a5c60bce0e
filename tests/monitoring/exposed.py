"""What `/metrics` says, read as Prometheus reads it."""

from collections import defaultdict
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from tests.fixtures.service import Browser


class Exposed:
    """The series of one scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the series of *name* that have *labels*; 0 where there are none."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def labels(self) -> Mapping[str, set[str]]:
        """Return the labels that each name has."""
        found: dict[str, set[str]] = defaultdict(set)
        for sample in self.samples:
            found[sample.name] |= sample.labels.keys()
        return found


async def scrape(browser: Browser) -> Exposed:
    """Read the metrics of the service of *browser*."""
    answer = await browser.get("/metrics")
    assert answer.status == 200
    return Exposed(await answer.text())
