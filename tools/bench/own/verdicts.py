"""The goals, and whether what was measured reaches them."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from tools.bench.figures import Comparison, Figures, Row
from tools.bench.measure import CONNECTIONS
from tools.bench.own.instance import DATABASES, SQLITE
from tools.bench.own.names import (
    AGAIN,
    BY_API_TOKEN,
    BY_POLICIES,
    FIRST_KNOWN,
    FIRST_READ,
    GOOD,
    JWKS,
    LOGGED_IN,
    MANY,
    MANY_USERS,
    NEW,
    PEM,
    START,
    STORMY,
    TWO,
)
from tools.bench.peers.peer import CHECK

NOTHING: Final = "not measured"
IDLE, LOADED = "memory, idle", "memory, after all loads"
FIRST: Final = f"{GOOD}: first among the peers"
Way = Literal["rate", "cpu", "either"]


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be reached by the ratio called *what*: at least *least*, or else at most *most*.

    The ratio is of requests per second, of CPU for each, or whichever of both reaches it.
    """

    what: str
    wanted: str
    least: float | None = None
    most: float | None = None
    way: Way = "either"

    def reached(self, value: float) -> bool:
        """Whether *value* is as good as it is to be."""
        return (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )


def _within(share: float) -> float:
    """Return the least ratio of what costs by *share* more at most."""
    return 1 / (1 + share)


_SIZED: Final = (GOOD, FIRST_READ, MANY_USERS, BY_API_TOKEN, AGAIN, NEW, BY_POLICIES)
GOALS: Final = (
    Goal(GOOD, "≥ 0.50 of bare", 0.50),
    Goal(AGAIN, "≥ 0.45 of bare", 0.45),
    Goal(NEW, "≥ 0.80 of raw signatures", 0.80),
    Goal(NEW, "≥ 1.5 of raw signatures, a second core free", 1.5, way="rate"),
    Goal(FIRST_KNOWN, "≥ 0.22 of bare", 0.22),
    Goal(FIRST_READ, "≥ 0.10 of bare", 0.10),
    Goal(JWKS, "≥ 0.75 of bare", 0.75),
    Goal(PEM, "≥ 0.75 of bare", 0.75),
    Goal(LOGGED_IN, "≤ 5 % above the bare hash (≥ 0.95)", _within(0.05)),
    Goal(STORMY, "≤ 3 times quiet", most=3, way="rate"),
    *(
        goal
        for row in (GOOD, AGAIN)
        for goal in (
            Goal(f"{TWO}{row}", "CPU within 5 % of one (≥ 0.95)", _within(0.05), way="cpu"),
            Goal(f"{TWO}{row}", "≥ 1.8 times one, a core free for each", 1.8, way="rate"),
        )
    ),
    *(Goal(f"{MANY}{row}", "within 10 % of 1,000 (≥ 0.91)", _within(0.10)) for row in _SIZED),
    Goal(START, "≤ 1.1 bare + 0.2 s (≤ 1)", most=1, way="rate"),
)
HEAVIEST: Final = (
    Goal(IDLE, "≤ 70 MiB", most=70),
    Goal(LOADED, "≤ 110 MiB", most=110),
)


def verdict(goal: Goal, found: Comparison | Row | None) -> str:
    """Return whether *goal* is met by the median of the rounds, and by which of the ratios."""
    ratios = {"rate": found.by_rate, "CPU": found.by_cpu} if found else {}
    medians = {
        name: statistics.median(values)
        for name, values in ratios.items()
        if values and goal.way in ("either", name.lower())
    }
    if not medians:
        return NOTHING
    by = [name for name, value in medians.items() if goal.reached(value)]
    said = ", ".join(f"{value:.2f} by {name}" for name, value in medians.items())
    if goal.way != "either":
        said = said.partition(" ")[0]
        return f"**met**: {said}" if by else f"not met: {said}"
    return f"**met** by {' and '.join(by)}: {said}" if by else f"not met: {said}"


def found_for(goal: Goal, figures: Figures, database: str) -> Comparison | Row | None:
    """Return the ratios that *goal* is about: to a yardstick of its own, else to the bare server."""
    if comparison := figures.comparisons.get(f"{goal.what}|{database}"):
        return comparison
    return figures.rows.get(f"dhq-auth, {database}|{goal.what}|{CONNECTIONS}")


def weighed(goal: Goal, figures: Figures, database: str) -> str:
    """Return whether *goal*, which is about memory, is met in all rounds."""
    weight = figures.weights.get(f"dhq-auth, {database}")
    values = (weight.idle if goal.what == IDLE else weight.loaded) if weight else []
    if not values:
        return NOTHING
    return f"{'**met**' if goal.reached(max(values)) else 'not met'}: {max(values):.0f} MiB"


def first(figures: Figures, load: str, connections: int) -> str | None:
    """Return who is first under *load*, before whom, and by how much; None where there is nobody."""
    rows = [row for row in figures.of(load, connections) if "," not in row.server]
    if len(rows) < 2:
        return None
    best, second = rows[:2]
    times = statistics.median(best.rates) / statistics.median(second.rates)
    return f"{best.server}, {times:.1f} times {second.server}"


def table(figures: Figures) -> Iterable[tuple[str, ...]]:
    """Return the rows of all goals: what, how much, and what came of it on each database."""
    found = first(figures, CHECK, CONNECTIONS)
    leads = NOTHING
    if found is not None:
        leads = f"**met**: {found}" if found.startswith("dhq-auth,") else f"not met: {found}"
    for goal in GOALS:
        cells = [verdict(goal, found_for(goal, figures, database)) for database in DATABASES]
        yield goal.what, goal.wanted, *cells
        if goal.what == GOOD:
            yield FIRST, "first", *(leads if name == SQLITE else "" for name in DATABASES)
    for goal in HEAVIEST:
        yield goal.what, goal.wanted, *(weighed(goal, figures, name) for name in DATABASES)
