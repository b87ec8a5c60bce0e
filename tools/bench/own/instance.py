"""A dhq-auth that runs, with its database full and tokens for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tests.fakes.postgres import PostgresServer
from tools.bench import wrk
from tools.bench.measure import CONNECTIONS, Bench, prepared, say
from tools.bench.own.fill import Filled, fill, tokens
from tools.bench.own.server import DhqAuth
from tools.bench.process import Command, Running, Site, running
from tools.bench.wrk import Load

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
DATABASES: Final = (SQLITE, POSTGRESQL)
EACH: Final = {"Auth-Token": "{token}"}
"""The header that presents the token whose turn it is."""
POOL: Final = 5000
"""Tokens that are each seen once in a round; with the last of them the load ends."""
KNOWN: Final = 2500
"""Of these the service remembers whose they are, but not so many signed answers."""
PATIENCE: Final = 5
"""Seconds within which so many are seen."""


@dataclass(frozen=True)
class Instance:
    """A dhq-auth with its database, and login tokens: of one user, and of many."""

    database: str
    peer: DhqAuth
    site: Site
    of_one: Sequence[str]
    of_many: Sequence[str]

    @property
    def name(self) -> str:
        """What it is called in the figures."""
        return f"dhq-auth, {self.database}"

    @property
    def command(self) -> Command:
        """How to start it."""
        return self.peer.command(self.site)

    def loads(self) -> dict[str, Load]:
        """Return what is asked of it while it runs."""
        return dict(prepared(self.peer, self.site))

    def newly_signed(self, bench: Bench, server: Running) -> Load:
        """Return what makes *server* sign each time; whose they are, and what was granted, it knows."""
        load = Load("/auth/authorize?service=bench", EACH, tokens=self.of_many[-KNOWN:], again=True)
        seen = replace(load, again=False)
        wrk.run(server.base, seen, CONNECTIONS, PATIENCE, bench.plan.folder)
        return load


def made(bench: Bench, database: str, postgres: PostgresServer, filled: Filled) -> Instance:
    """Let the service make its database, fill it, and sign tokens."""
    say(f"{database}: making the database")
    if database == POSTGRESQL:
        # The first line of this file is the number of its first process.
        process = int(postgres.execute("SELECT pg_read_file('postmaster.pid')").split()[0])
        peer = DhqAuth(postgres.url(postgres.create()))
        site = bench.plan.site("dhq-auth", 1, process)
    else:
        peer, site = DhqAuth(), bench.plan.site("dhq-auth", 1)
    peer.begin(site)
    with running(peer.command(site), site):
        prepared(peer, site)
    environ = peer.environ(site)
    say(f"{database}: adding {filled.users:,} users, {filled.policies:,} policies")
    fill(environ, filled)
    say(f"{database}: signing {2 * POOL:,} tokens")
    of_one = tokens(environ, filled, [0] * POOL)
    of_many = tokens(environ, filled, range(0, filled.sessions, filled.sessions // POOL))
    return Instance(database, peer, site, of_one, of_many)
