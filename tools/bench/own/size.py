"""What it costs that there is much: a million users, sessions and API tokens beside a thousand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tests.fakes.postgres import PostgresServer
from tools.bench.figures import Measured
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
                few, many = _sized(bench, small), _sized(bench, large)
                for row in few.keys() & many.keys():
                    rate = many[row].rate / few[row].rate
                    cpu = few[row].cpu_ms / max(many[row].cpu_ms, 1e-9)
                    bench.figures.compare(f"{MANY}{row}", database, rate=rate, cpu=cpu)


def _named(instance: Instance, filled: Filled) -> Instance:
    return replace(instance, database=f"{instance.database}, {filled.users:,}")


def _sized(bench: Bench, instance: Instance) -> Mapping[str, Measured]:
    with bench.serving(instance.name, instance.command, instance.site) as server:
        loads = instance.loads()
        seen_once = Load("/auth/check", EACH, tokens=instance.of_many)
        rows = {
            GOOD: loads[CHECK],
            FIRST_READ: seen_once,
            MANY_USERS: replace(seen_once, again=True),
            BY_API_TOKEN: loads[API_TOKEN],
            AGAIN: loads[ISSUE],
            NEW: Load("/auth/authorize?service=bench", EACH, tokens=instance.of_many),
            BY_POLICIES: loads[POLICIES],
        }
        found = {row: bench.load(instance.name, row, load, server) for row, load in rows.items()}
        return {row: measured for row, measured in found.items() if measured}
