"""What dhq-auth is to show of itself: a named row for each, on SQLite and on PostgreSQL."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from tests.fakes.postgres import PostgresServer
from tools.bench import wrk
from tools.bench.figures import BARE
from tools.bench.measure import Bench, hello, say
from tools.bench.own.accounts import THREADS, hash_once
from tools.bench.own.fill import Filled, fill, tokens
from tools.bench.own.server import API_TOKEN, POLICIES, PUBLIC_KEY, STORM, DhqAuth
from tools.bench.peers.peer import CHECK, ISSUE, KEYS, LOGIN, Site
from tools.bench.process import Running, running, settle
from tools.bench.wrk import Load, LoadFailed

CONNECTIONS: Final = 32
POOL: Final = 8000
"""Tokens that are each seen once in a round; with the last of them the load ends."""
FEW: Final = Filled(POOL, 1_000)
SMALL, LARGE = Filled(1_000, 1_000), Filled(1_000_000, 100_000)
COLD_STARTS: Final = 5
LOGIN_SECONDS: Final = 5
STORMING: Final = 32
"""Logins at once."""
_EACH: Final = {"Auth-Token": "{token}"}

GOOD = "/auth/check, good token"
AGAIN = "/auth/authorize, same user and service again"
NEW = "/auth/authorize, every token newly signed"
FIRST_KNOWN = "/auth/check, every token for the first time, user known"
FIRST_READ = "/auth/check, every token for the first time, user read from the database"
BY_API_TOKEN = "/auth/check, API token"  # noqa: S105 - what is asked
BY_POLICIES = "/auth/authorize, policies"
JWKS, PEM = "/.well-known/jwks.json", "/auth/public-key"
LOGGED_IN = "/auth/login, password"
MANY_USERS = "/auth/check, tokens of 1,000 users in turn"


@dataclass(frozen=True)
class Instance:
    """A dhq-auth with its database, and login tokens: of one user, and of many."""

    name: str
    peer: DhqAuth
    site: Site
    of_one: Sequence[str]
    of_many: Sequence[str]


def made(bench: Bench, name: str, database: str, filled: Filled, pool: int) -> Instance:
    """Let the service make its database, fill it, and sign as many tokens as *pool*."""
    say(f"filling {name}: {filled.users:,} users, {filled.policies:,} policies")
    peer, site = DhqAuth(database), bench.plan.site("dhq-auth", 1)
    peer.begin(site)
    with running(peer.command(site), site.port, site.folder / "log"):
        asyncio.run(peer.prepare(site))
    environ = peer.environ(site)
    fill(environ, filled)
    spread = [number * (filled.users // pool) for number in range(pool)]
    return Instance(name, peer, site, tokens(environ, [0] * pool), tokens(environ, spread))


def goals(bench: Bench) -> None:
    """Measure all that the plan wants."""
    wants = bench.plan.wants
    DhqAuth().install(bench.plan.site("dhq-auth").home)
    with PostgresServer() as postgres:
        databases = {"SQLite": "", "PostgreSQL": "postgres"}

        def urls() -> dict[str, str]:
            return {
                name: url and postgres.url(postgres.create()) for name, url in databases.items()
            }

        if any(map(wants, (CHECK, ISSUE, KEYS, LOGIN, "storm", "two", "start"))):
            _rounds(bench, [made(bench, name, url, FEW, POOL) for name, url in urls().items()])
        if wants("scale"):
            _scale(bench, urls(), urls())


def _rounds(bench: Bench, instances: Sequence[Instance]) -> None:
    for number in range(bench.plan.rounds):
        say(f"dhq-auth, round {number + 1} of {bench.plan.rounds}")
        bench.yardstick()
        for instance in instances:
            name = f"dhq-auth, {instance.name}"
            with bench.serving(name, instance.peer, instance.site) as server:
                loads = asyncio.run(instance.peer.prepare(instance.site))
                _loads(bench, name, instance, loads, server)
                if bench.plan.wants(LOGIN):
                    _logins(bench, name, loads[LOGIN], server)
                if bench.plan.wants("storm"):
                    _storm(bench, name, loads, server)
            if bench.plan.wants("two"):
                _two(bench, name, instance)
    if bench.plan.wants("start"):
        _starts(bench, instances)


def _loads(
    bench: Bench, name: str, instance: Instance, loads: Mapping[str, Load], server: Running
) -> None:
    many = Load("/auth/check", _EACH, tokens=instance.of_many)
    authorize = Load("/auth/authorize?service=bench", _EACH, tokens=instance.of_many)
    rows = (
        (CHECK, GOOD, loads[CHECK]),
        (CHECK, BY_API_TOKEN, loads[API_TOKEN]),
        (CHECK, FIRST_KNOWN, replace(many, tokens=instance.of_one)),
        (CHECK, FIRST_READ, many),
        (ISSUE, AGAIN, loads[ISSUE]),
        (ISSUE, BY_POLICIES, loads[POLICIES]),
        (ISSUE, NEW, authorize),
        (KEYS, JWKS, loads[KEYS]),
        (KEYS, PEM, loads[PUBLIC_KEY]),
    )
    for group, row, load in rows:
        if bench.plan.wants(group):
            bench.load(name, row, load, server, connections=CONNECTIONS)


def hashes_per_second() -> float:
    """Return how many passwords the bare hash takes, in as many threads as the service has."""
    with ThreadPoolExecutor(THREADS) as pool:
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < LOGIN_SECONDS / 2:
            done += len(list(pool.map(lambda _: hash_once(), range(THREADS))))
        return done / (time.perf_counter() - began)


def _logins(bench: Bench, name: str, load: Load, server: Running) -> None:
    bare = hashes_per_second()
    if rate := bench.load(
        name, LOGGED_IN, load, server, connections=CONNECTIONS, seconds=LOGIN_SECONDS
    ):
        bench.figures.note(f"{name}: logins per bare Argon2id hash", "", rate / bare)


def _storm(bench: Bench, name: str, loads: Mapping[str, Load], server: Running) -> None:
    """Compare the p99 of `/auth/check` while others log in with the quiet one."""
    plan = bench.plan
    settle(server.pid)
    try:
        quiet = wrk.run(server.base, loads[CHECK], CONNECTIONS, LOGIN_SECONDS, plan.folder)
        with ThreadPoolExecutor(1) as beside:
            folder = plan.folder / "storm"
            folder.mkdir(exist_ok=True)
            storm = (server.base, loads[STORM], STORMING, LOGIN_SECONDS + 2, folder)
            # Who comes when too many wait is told to come back: that is part of a storm.
            storming = beside.submit(wrk.run, *storm, refusable=True)
            time.sleep(1)
            loud = wrk.run(server.base, loads[CHECK], CONNECTIONS, LOGIN_SECONDS, plan.folder)
            storm_answered = storming.result()
    except LoadFailed as error:
        bench.figures.not_run[f"{name}, login storm"] = str(error)
        return
    bench.figures.note(f"{name}: p99 of /auth/check, quiet", "ms", quiet.p99)
    bench.figures.note(f"{name}: p99 of /auth/check, {STORMING} logins at once", "ms", loud.p99)
    share = storm_answered.refused / storm_answered.requests
    bench.figures.note(f"{name}: share of these logins told to come back", "", share)
    bench.figures.note(f"{name}: p99 under the storm over quiet", "", loud.p99 / quiet.p99)


def _two(bench: Bench, name: str, instance: Instance) -> None:
    """Measure two processes, and compare them with the one of this round."""
    site = replace(instance.site, processes=2)
    server = f"{name}, two processes"
    with bench.serving(server, instance.peer, site) as running:
        loads = asyncio.run(instance.peer.prepare(site))
        for group, row, load in ((CHECK, GOOD, loads[CHECK]), (ISSUE, AGAIN, loads[ISSUE])):
            if bench.plan.wants(group) or bench.plan.wants("two"):
                rate = bench.load(server, row, load, running, connections=CONNECTIONS)
                one = bench.figures.rows.get(f"{name}|{row}|{CONNECTIONS}")
                if one and one.rates:
                    bench.figures.note(f"{server} over one: {row}", "", rate / one.rates[-1])


def _starts(bench: Bench, instances: Sequence[Instance]) -> None:
    """Start all of them in turn, and compare with the yardstick of the same turn."""
    for _ in range(COLD_STARTS):
        site = bench.plan.site("hello")
        with running(hello(site), site.port, site.folder / "log") as bare:
            bench.figures.weight(BARE).starts.append(bare.took)
        for instance in instances:
            command, port = instance.peer.command(instance.site), instance.site.port
            with running(command, port, instance.site.folder / "log") as server:
                name = f"dhq-auth, {instance.name}"
                bench.figures.weight(name).starts.append(server.took)
                ratio = server.took / bare.took
                bench.figures.note(f"{name}: cold start over bare aiohttp", "", ratio)


def _scale(bench: Bench, few: Mapping[str, str], many: Mapping[str, str]) -> None:
    """Compare a million users, sessions and API tokens with a thousand."""
    pairs = [
        (
            made(bench, f"{name}, 1,000", few[name], SMALL, 1_000),
            made(bench, f"{name}, 1,000,000", many[name], LARGE, 1_000),
        )
        for name in few
    ]
    for number in range(bench.plan.rounds):
        say(f"size, round {number + 1} of {bench.plan.rounds}")
        bench.yardstick()
        for pair in pairs:
            small, large = (_sized(bench, each) for each in pair)
            for row, rate in large.items():
                if small[row]:
                    name = f"dhq-auth, {pair[1].name} over 1,000: {row}"
                    bench.figures.note(name, "", rate / small[row])


def _sized(bench: Bench, instance: Instance) -> dict[str, float]:
    name = f"dhq-auth, {instance.name}"
    with bench.serving(name, instance.peer, instance.site) as server:
        loads = asyncio.run(instance.peer.prepare(instance.site))
        turn = Load("/auth/check", _EACH, tokens=instance.of_many, again=True)
        rows = {GOOD: loads[CHECK], MANY_USERS: turn, BY_POLICIES: loads[POLICIES]}
        rows[BY_API_TOKEN] = loads[API_TOKEN]
        return {
            row: bench.load(name, row, load, server, connections=CONNECTIONS)
            for row, load in rows.items()
        }
