"""What was measured, a value for each round, and what follows from it."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

BARE: Final = "bare aiohttp"


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the rounds, the least and the greatest of them."""

    median: float
    least: float
    greatest: float

    @property
    def width(self) -> float:
        """Half the way from least to greatest, as a share of the median."""
        return (self.greatest - self.least) / 2 / self.median if self.median else 0.0


def spread(values: Sequence[float]) -> Spread:
    """Return the spread of *values*."""
    return Spread(statistics.median(values), min(values), max(values))


@dataclass(slots=True)
class Row:
    """A server under one load from so many connections; each list has a value for each round."""

    server: str
    load: str
    connections: int
    rates: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    broken: int = 0


@dataclass(slots=True)
class Weight:
    """What a server takes: seconds to the first 200, MiB of memory, MiB on the disk."""

    server: str
    version: str = ""
    starts: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)
    loaded: list[float] = field(default_factory=list)
    installed: float = 0.0


@dataclass(slots=True)
class Note:
    """A figure of its own kind: what it is, and what it came to in each round."""

    name: str
    unit: str
    values: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Figures:
    """Everything of one run."""

    rows: dict[str, Row] = field(default_factory=dict)
    weights: dict[str, Weight] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)

    def row(self, server: str, load: str, connections: int) -> Row:
        """Return the row of that name, an empty one at first."""
        key = f"{server}|{load}|{connections}"
        return self.rows.setdefault(key, Row(server, load, connections))

    def weight(self, server: str, version: str = "") -> Weight:
        """Return what is known of the weight of *server*."""
        return self.weights.setdefault(server, Weight(server, version))

    def note(self, name: str, unit: str, value: float) -> None:
        """Add the value of a round."""
        self.notes.setdefault(name, Note(name, unit)).values.append(value)

    def of(self, load: str, connections: int) -> list[Row]:
        """Return the rows of *load*, the fastest first."""
        rows = [
            row
            for row in self.rows.values()
            if (row.load, row.connections) == (load, connections) and row.rates
        ]
        return sorted(rows, key=lambda row: -statistics.median(row.rates))

    def plain(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return asdict(self)

    @classmethod
    def read(cls, plain: dict[str, Any]) -> "Figures":
        """Return what `plain` was made of."""
        return cls(
            {key: Row(**row) for key, row in plain["rows"].items()},
            {key: Weight(**weight) for key, weight in plain["weights"].items()},
            {key: Note(**note) for key, note in plain["notes"].items()},
            plain["not_run"],
        )
