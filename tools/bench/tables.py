"""Figures as the cells of Markdown tables."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Final

from tools.bench.figures import Figures, Row, Weight, spread

NOTHING: Final = "-"
MEASURED: Final = (
    "requests/s",
    "of bare",
    "CPU ms per request",
    "of bare by CPU",
    "p99 ms",
)


def number(value: float) -> str:
    """Return *value* as a person reads it: three digits that count."""
    if value != value:  # noqa: PLR0124 - not a number
        return NOTHING
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def cell(values: Sequence[float]) -> str:
    """Return the median of *values*, and their spread where there are several."""
    if not values:
        return NOTHING
    found = spread(values)
    if len(values) == 1:
        return number(found.median)
    return f"{number(found.median)} ± {found.width:.0%}"


def middle(values: Sequence[float]) -> str:
    """Return the median of *values* alone."""
    return number(statistics.median(values)) if values else NOTHING


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> list[str]:
    """Return a table: so many columns of *words*, the others are figures."""
    line = "|" + "---|" * words + "---:|" * (len(head) - words)
    return [f"| {' | '.join(head)} |", line, *(f"| {' | '.join(row)} |" for row in rows), ""]


def figures_of(row: Row) -> list[str]:
    """Return the cells of *row* behind its name."""
    return [
        cell(row.rates),
        cell(row.by_rate),
        cell(row.cpu_ms),
        middle(row.by_cpu),
        middle(row.p99_ms),
    ]


def not_run(why: str, columns: int) -> list[str]:
    """Return the cells of a row that is not there."""
    shown = why.replace("|", "\\|").replace("\n", " ")
    return [f"not run: {shown}", *[""] * (columns - 1)]


def weights(figures: Figures, names: Iterable[str]) -> list[str]:
    """Return the table of starts and sizes."""

    def row(name: str) -> list[str]:
        weight = figures.weights.get(name, Weight(name))
        named = f"{name} {weight.version}" if weight.version not in name else name
        if not weight.starts:
            return [named, *not_run(figures.why(name, "", 0) or "nothing was measured", 4)]
        size = number(weight.installed) if weight.installed else NOTHING
        loaded = number(max(weight.loaded)) if weight.loaded else NOTHING
        return [named, cell(weight.starts), middle(weight.idle), loaded, size]

    head = ("", "s to the first 200", "MiB idle", "MiB after all loads", "MiB on the disk")
    return table(head, map(row, names))
