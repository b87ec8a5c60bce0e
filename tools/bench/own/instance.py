"""A dhq-auth that runs, with its database full and tokens for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.fakes.postgres import PostgresServer
from tools.bench.measure import Bench, prepared, say
from tools.bench.own.fill import Filled, fill, tokens
from tools.bench.own.server import DhqAuth
from tools.bench.process import Command, Site, running
from tools.bench.wrk import Load

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
DATABASES: Final = (SQLITE, POSTGRESQL)
EACH: Final = {"Auth-Token": "{token}"}
"""The header that presents the token whose turn it is."""


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


def made(
    bench: Bench, database: str, postgres: PostgresServer, filled: Filled, pool: int
) -> Instance:
    """Let the service make its database, fill it, and sign as many tokens as *pool*."""
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
    say(f"{database}: signing {2 * pool:,} tokens")
    spread = [number * (filled.users // pool) for number in range(pool)]
    return Instance(database, peer, site, tokens(environ, [0] * pool), tokens(environ, spread))
