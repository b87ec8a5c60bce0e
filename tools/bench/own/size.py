"""What it costs that there is much: a million users, sessions and API tokens beside a thousand."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from tests.fakes.postgres import PostgresServer
from tools.bench.measure import Bench, say
from tools.bench.own.fill import Filled
from tools.bench.own.instance import DATABASES, EACH, POOL, Instance, made
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
from tools.bench.process import Running
from tools.bench.wrk import Load

SMALL: Final = Filled(1_000, 1_000, POOL)
LARGE: Final = Filled(1_000_000, 100_000, 1_000_000)
USERS: Final = 1_000
"""Whose tokens are shown in turn."""
SPENT: Final = 0.95
"""The share of tokens that are each seen once, from which on they may have been at an end too soon."""


def compare_sizes(bench: Bench, postgres: PostgresServer) -> None:
    """Measure both in the same rounds, on each database."""
    pairs = []
    for database in DATABASES:
        with bench.attempt(f"dhq-auth, {database}, {LARGE.users:,}"):
            small = made(bench, database, postgres, SMALL)
            large = made(bench, database, postgres, LARGE)
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
        less, more = _rows(bench, small, of_few), _rows(bench, large, of_many)
        for row in less:
            few = bench.load(small.name, row, less[row](), of_few)
            many = bench.load(large.name, row, more[row](), of_many)
            if few and many:
                spent = row == FIRST_READ and few.rate * bench.plan.seconds > SPENT * POOL
                rate = None if spent else many.rate / few.rate
                cpu = few.cpu_ms / max(many.cpu_ms, 1e-9)
                bench.figures.compare(f"{MANY}{row}", database, rate=rate, cpu=cpu)


def _rows(bench: Bench, instance: Instance, server: Running) -> Mapping[str, Callable[[], Load]]:
    """Return what makes ready each that is asked of *instance*, which runs as *server*."""
    loads, tokens = instance.loads(), instance.of_many
    return {
        GOOD: lambda: loads[CHECK],
        FIRST_READ: lambda: Load("/auth/check", EACH, tokens=tokens),
        MANY_USERS: lambda: Load("/auth/check", EACH, tokens=tokens[:USERS], again=True),
        BY_API_TOKEN: lambda: loads[API_TOKEN],
        AGAIN: lambda: loads[ISSUE],
        NEW: lambda: instance.newly_signed(bench, server),
        BY_POLICIES: lambda: loads[POLICIES],
    }
