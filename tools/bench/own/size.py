"""What it costs that there is much: a million users, sessions and API tokens beside a thousand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tests.fakes.postgres import PostgresServer
from tools.bench.measure import Bench, say
from tools.bench.own.fill import Filled
from tools.bench.own.instance import DATABASES, EACH, Instance, made
from tools.bench.own.names import (
    AGAIN,
    BY_API_TOKEN,
    BY_POLICIES,
    FIRST_READ,
    GOOD,
    MANY,
    MANY_USERS,
    NEW,
)
from tools.bench.own.server import API_TOKEN, POLICIES
from tools.bench.peers.peer import CHECK, ISSUE
from tools.bench.wrk import Load

SMALL, LARGE = Filled(1_000, 1_000), Filled(1_000_000, 100_000)
POOL: Final = 1_000


def compare_sizes(bench: Bench, postgres: PostgresServer) -> None:
    """Measure both in the same rounds, on each database."""
    pairs = []
    for database in DATABASES:
        with bench.attempt(f"dhq-auth, {database}, {LARGE.users:,}"):
            small = made(bench, database, postgres, SMALL, POOL)
            large = made(bench, database, postgres, LARGE, POOL)
            pairs.append((_named(small, SMALL), _named(large, LARGE), database))
    for number in range(bench.plan.rounds):
        say(f"size, round {number + 1} of {bench.plan.rounds}")
        bench.yardstick()
        for small, large, database in pairs:
            with bench.attempt(large.name):
                _compare(bench, small, large, database)


def _named(instance: Instance, filled: Filled) -> Instance:
    return replace(instance, database=f"{instance.database}, {filled.users:,}")


def _compare(bench: Bench, small: Instance, large: Instance, database: str) -> None:
    """Measure both under each load, one behind the other."""
    with (
        bench.serving(small.name, small.command, small.site) as of_few,
        bench.serving(large.name, large.command, large.site) as of_many,
    ):
        less, more = _rows(small), _rows(large)
        for row in less:
            few = bench.load(small.name, row, less[row], of_few)
            many = bench.load(large.name, row, more[row], of_many)
            if few and many:
                # Tokens that are seen once are at an end before the load is: in both it is as long.
                once = bool(less[row].tokens) and not less[row].again
                rate = None if once else many.rate / few.rate
                cpu = few.cpu_ms / max(many.cpu_ms, 1e-9)
                bench.figures.compare(f"{MANY}{row}", database, rate=rate, cpu=cpu)


def _rows(instance: Instance) -> Mapping[str, Load]:
    """Return what is asked of *instance*, which runs."""
    loads = instance.loads()
    seen_once = Load("/auth/check", EACH, tokens=instance.of_many)
    return {
        GOOD: loads[CHECK],
        FIRST_READ: seen_once,
        MANY_USERS: replace(seen_once, again=True),
        BY_API_TOKEN: loads[API_TOKEN],
        AGAIN: loads[ISSUE],
        NEW: Load("/auth/authorize?service=bench", EACH, tokens=instance.of_many),
        BY_POLICIES: loads[POLICIES],
    }
