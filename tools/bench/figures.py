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


@dataclass(frozen=True, slots=True)
class Measured:
    """Requests per second, CPU milliseconds of the server for each, and what 99 of 100 took."""

    rate: float
    cpu_ms: float
    p99_ms: float
    database_ms: float | None = None
    """CPU milliseconds of the database server for each request, where it is one of its own."""


@dataclass(slots=True)
class Row:
    """A server under one load from so many connections; each list has a value for each round."""

    server: str
    load: str
    connections: int
    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    database_ms: list[float] = field(default_factory=list)
    by_rate: list[float] = field(default_factory=list)
    """Ratios to the bare server of the same round: its requests per second …"""
    by_cpu: list[float] = field(default_factory=list)
    """… and its CPU for each: more is better in both."""
    broken: int = 0

    def add(self, measured: Measured, bare: Measured | None) -> None:
        """Add the values of a round, in which the bare server came to *bare*."""
        self.rates.append(measured.rate)
        self.cpu_ms.append(measured.cpu_ms)
        self.p99_ms.append(measured.p99_ms)
        if measured.database_ms is not None:
            self.database_ms.append(measured.database_ms)
        if bare is not None:
            self.by_rate.append(measured.rate / bare.rate)
            self.by_cpu.append(bare.cpu_ms / max(measured.cpu_ms, 1e-9))


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
class Comparison:
    """A figure of dhq-auth over its yardstick of the same round, for a goal and a database."""

    goal: str
    database: str
    by_rate: list[float] = field(default_factory=list)
    by_cpu: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Note:
    """A figure of its own kind: what it is, and what it came to in each round."""

    name: str
    unit: str
    values: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Missing:
    """What was not run, and why: of a server all, a load, or a load from so many connections."""

    server: str
    load: str
    connections: int
    why: str


@dataclass(slots=True)
class Figures:
    """Everything of one run."""

    rows: dict[str, Row] = field(default_factory=dict)
    weights: dict[str, Weight] = field(default_factory=dict)
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    missing: dict[str, Missing] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    """Of the databases."""

    def row(self, server: str, load: str, connections: int) -> Row:
        """Return the row of that name, an empty one at first."""
        key = f"{server}|{load}|{connections}"
        return self.rows.setdefault(key, Row(server, load, connections))

    def weight(self, server: str, version: str = "") -> Weight:
        """Return what is known of the weight of *server*."""
        return self.weights.setdefault(server, Weight(server, version))

    def compare(
        self, goal: str, database: str, *, rate: float | None = None, cpu: float | None = None
    ) -> None:
        """Add how a round compares for *goal*: by requests per second, by CPU, or by both."""
        key = f"{goal}|{database}"
        found = self.comparisons.setdefault(key, Comparison(goal, database))
        if rate is not None:
            found.by_rate.append(rate)
        if cpu is not None:
            found.by_cpu.append(cpu)

    def note(self, name: str, unit: str, value: float) -> None:
        """Add the value of a round."""
        self.notes.setdefault(name, Note(name, unit)).values.append(value)

    def miss(self, why: object, server: str, load: str = "", connections: int = 0) -> None:
        """Remember *why* something could not be measured: the first reason of all rounds."""
        key = f"{server}|{load}|{connections}"
        self.missing.setdefault(key, Missing(server, load, connections, str(why)))

    def why(self, server: str, load: str, connections: int) -> str | None:
        """Return why this was not measured, or None if nothing is known of that."""
        for key in (f"{server}|{load}|{connections}", f"{server}|{load}|0", f"{server}||0"):
            if key in self.missing:
                return self.missing[key].why
        return None

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
            {key: Comparison(**each) for key, each in plain["comparisons"].items()},
            {key: Note(**note) for key, note in plain["notes"].items()},
            {key: Missing(**each) for key, each in plain["missing"].items()},
            plain["versions"],
        )
