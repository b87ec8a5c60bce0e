"""What dhq-auth is to show of itself, on SQLite and on PostgreSQL: each with its yardstick."""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from tests.fakes.postgres import PostgresServer
from tools.bench import wrk
from tools.bench.figures import BARE, Measured
from tools.bench.measure import CONNECTIONS, Bench, prepared, say
from tools.bench.own.fill import Filled
from tools.bench.own.instance import DATABASES, EACH, POOL, POSTGRESQL, SQLITE, Instance, made
from tools.bench.own.names import (
    AGAIN,
    BY_API_TOKEN,
    BY_POLICIES,
    FIRST_KNOWN,
    FIRST_READ,
    GOOD,
    JWKS,
    LOGGED_IN,
    NEW,
    PEM,
    START,
    STORMY,
    TWO,
)
from tools.bench.own.server import API_TOKEN, POLICIES, PUBLIC_KEY, STORM, DhqAuth
from tools.bench.own.size import compare_sizes
from tools.bench.peers.peer import CHECK, ISSUE, KEYS, LOGIN
from tools.bench.process import Running, free_port, running
from tools.bench.wrk import Load
from tools.bench.yardsticks import Bare, hashes, hello, signatures

FEW: Final = Filled(POOL, 1_000, POOL)
COLD_STARTS: Final = 5
ALLOWED: Final = (1.1, 0.2)
"""A cold start may take that many times the bare server's, and as many seconds more."""
LOGIN_SECONDS: Final = 8
"""Long enough that the hash which is not ended with it, a fifth of a second, weighs little."""
STORM_SECONDS: Final = 3
STORMING: Final = 32
"""Logins at once."""


def goals(bench: Bench) -> None:
    """Measure all that the plan wants."""
    wants = bench.plan.wants
    bench.install(DhqAuth())
    with PostgresServer() as postgres:
        version = postgres.execute("SHOW server_version")
        bench.figures.versions |= {POSTGRESQL: version, SQLITE: sqlite3.sqlite_version}
        if wants(CHECK, ISSUE, KEYS, LOGIN, "storm", "two", "start"):
            instances = []
            for database in DATABASES:
                with bench.attempt(f"dhq-auth, {database}"):
                    instances.append(made(bench, database, postgres, FEW))
            for number in range(bench.plan.rounds):
                say(f"dhq-auth, round {number + 1} of {bench.plan.rounds}")
                for instance in instances:
                    with bench.attempt(instance.name):
                        _round(bench, instance)
            if wants("start"):
                _starts(bench, instances)
        if wants("scale"):
            with bench.attempt("dhq-auth", "size"):
                compare_sizes(bench, postgres)


def _round(bench: Bench, instance: Instance) -> None:
    wants = bench.plan.wants
    with bench.serving(instance.name, instance.command, instance.site) as server:
        loads = instance.loads()
        if wants(CHECK, ISSUE, KEYS):
            with bench.yardstick_beside():  # not for all of it: it shares pages with the server
                _loads(bench, instance, loads, server)
        if wants(LOGIN):
            _logins(bench, instance, loads[LOGIN], server)
        if wants("storm"):
            with bench.attempt(instance.name, STORMY):
                _storm(bench, instance, loads, server)
    if wants("two"):
        with bench.attempt(f"{instance.name}, two processes"):
            _two(bench, instance)


def _loads(bench: Bench, instance: Instance, loads: Mapping[str, Load], server: Running) -> None:
    """Measure the plain questions."""
    many = Load("/auth/check", EACH, tokens=instance.of_many)
    rows = (
        (GOOD, loads[CHECK], CHECK),
        (BY_API_TOKEN, loads[API_TOKEN], CHECK),
        (FIRST_KNOWN, replace(many, tokens=instance.of_one), CHECK),
        (FIRST_READ, many, CHECK),
        (AGAIN, loads[ISSUE], ISSUE),
        (BY_POLICIES, loads[POLICIES], ISSUE),
        (JWKS, loads[KEYS], KEYS),
        (PEM, loads[PUBLIC_KEY], KEYS),
    )
    for name, load, group in rows:
        if bench.plan.wants(group):
            bench.load(instance.name, name, load, server)
    if bench.plan.wants(ISSUE):
        authorize, raw = instance.newly_signed(bench, server), signatures()
        bench.figures.note("Raw RSA-2048 signatures of one core", "/s", raw.rate)
        if measured := bench.load(instance.name, NEW, authorize, server):
            _compare(bench, NEW, instance, measured, raw)


def _compare(bench: Bench, goal: str, instance: Instance, found: Measured, yardstick: Bare) -> None:
    rate, cpu = found.rate / yardstick.rate, yardstick.cpu_ms / max(found.cpu_ms, 1e-9)
    bench.figures.compare(goal, instance.database, rate=rate, cpu=cpu)


def _logins(bench: Bench, instance: Instance, load: Load, server: Running) -> None:
    server.settle()
    bare = hashes(LOGIN_SECONDS / 2)
    bench.figures.note("Bare Argon2id hashes", "/s", bare.rate)
    if found := bench.load(instance.name, LOGGED_IN, load, server, seconds=LOGIN_SECONDS):
        _compare(bench, LOGGED_IN, instance, found, bare)


def _storm(bench: Bench, instance: Instance, loads: Mapping[str, Load], server: Running) -> None:
    """Compare the p99 of `/auth/check` while others log in with the quiet one."""
    plan, name = bench.plan, instance.name
    folder = plan.folder / STORM
    folder.mkdir(exist_ok=True)
    server.settle()
    quiet = wrk.run(server.base, loads[CHECK], CONNECTIONS, STORM_SECONDS, plan.folder)
    with ThreadPoolExecutor(1) as beside:
        storm = (server.base, loads[STORM], STORMING, STORM_SECONDS + 2, folder)
        # Who comes when too many wait is told to come back: that is part of a storm.
        storming = beside.submit(wrk.run, *storm, refusable=True)
        time.sleep(1)
        loud = wrk.run(server.base, loads[CHECK], CONNECTIONS, STORM_SECONDS, plan.folder)
        logins = storming.result()
    note, compare = bench.figures.note, bench.figures.compare
    note(f"{name}: p99 of /auth/check, quiet", "ms", quiet.p99)
    note(f"{name}: p99 of /auth/check, {STORMING} logins at once", "ms", loud.p99)
    note(f"{name}: share of these logins told to come back", "", logins.refused / logins.requests)
    compare(STORMY, instance.database, rate=loud.p99 / quiet.p99)


def _two(bench: Bench, instance: Instance) -> None:
    """Measure two processes, and before each figure one."""
    site = replace(instance.site, processes=2, port=free_port())
    both = f"{instance.name}, two processes"
    with (
        bench.yardstick_beside(),
        running(instance.command, instance.site) as one,
        bench.serving(both, instance.peer.command(site), site) as two,
    ):
        loads, of_two = instance.loads(), prepared(instance.peer, site)
        for row, load in ((GOOD, CHECK), (AGAIN, ISSUE)):
            alone = bench.load(instance.name, row, loads[load], one)
            found = bench.load(both, row, of_two[load], two)
            if found and alone:
                _compare(bench, f"{TWO}{row}", instance, found, Bare(alone.rate, alone.cpu_ms))


def _starts(bench: Bench, instances: Sequence[Instance]) -> None:
    """Start all of them in turn, and compare with the yardstick of the same turn."""
    times, more = ALLOWED
    for _ in range(COLD_STARTS):
        site = bench.plan.site("hello")
        with running(hello(site), site) as bare:
            bench.figures.weight(BARE).starts.append(bare.took)
        for instance in instances:
            with (
                bench.attempt(instance.name, START),
                running(instance.command, instance.site) as server,
            ):
                bench.figures.weight(instance.name).starts.append(server.took)
                allowed = times * bare.took + more
                bench.figures.compare(START, instance.database, rate=server.took / allowed)
