"""One server under its loads, and the yardstick beside it."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tools.bench import wrk
from tools.bench.figures import BARE, Figures, Measured
from tools.bench.peers.peer import LOGIN, Peer
from tools.bench.process import (
    Command,
    NotRun,
    Running,
    Site,
    cpu,
    free_port,
    memory,
    running,
    size,
)
from tools.bench.wrk import Load, LoadFailed
from tools.bench.yardsticks import hello

BEGUN: Final = time.monotonic()
HELLO: Final = "hello"
HELLO_BESIDE: Final = "hello, before each figure of dhq-auth by itself"
CONNECTIONS: Final = 32
"""Of the goals; measured in every round, whatever else is."""
LOGIN_CONNECTIONS: Final = 4
LOGIN_SECONDS: Final = 3
"""A password is hashed a few times in a second."""

PREPARING: Final = 120
"""Seconds in which a server has to give its tokens."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured, and for how long."""

    rounds: int
    seconds: int
    connections: Sequence[int]
    processes: int
    only: Collection[str]
    home: Path
    folder: Path

    def wants(self, *names: str) -> bool:
        """Whether one of *names*, each a load or a chapter, is to be measured."""
        return not self.only or any(name in self.only for name in names)

    def site(self, server: str, processes: int | None = None, database: int = 0) -> Site:
        """Return a place for *server*, with an empty folder."""
        plain = server.replace(" ", "-")
        return Site(
            home=self.home / plain,
            folder=Path(tempfile.mkdtemp(prefix=f"{plain}-", dir=self.folder)),
            port=free_port(),
            processes=processes or self.processes,
            database=database,
        )


@dataclass(slots=True)
class Bench:
    """What is measured goes into *figures*; *bare* is what the yardstick came to last."""

    plan: Plan
    figures: Figures = field(default_factory=Figures)
    bare: dict[int, Measured] = field(default_factory=dict)
    beside: Running | None = None
    """The bare server, where it runs all the time and is measured before each figure."""
    installed: set[str] = field(default_factory=set)

    def install(self, peer: Peer) -> Site:
        """Install *peer*, once in a run; return a place for it. Raises NotRun where that fails."""
        site = self.plan.site(peer.name)
        if peer.name not in self.installed:
            say(f"installing {peer.name}")
            peer.install(site.home)
            self.figures.weight(peer.name, peer.version).installed = size(peer.files(site.home))
            self.installed.add(peer.name)
        return site

    def load(
        self,
        server: str,
        name: str,
        load: Load,
        running: Running,
        *,
        connections: int = CONNECTIONS,
        seconds: float | None = None,
        warm: bool = False,
    ) -> Measured | None:
        """Measure *server* under *load*, unless *warm* warmed first; return None where it failed.

        A load with tokens is not warmed, which would spend them.
        """
        if self.beside is not None and self.beside is not running:
            self._measure_bare(self.beside, connections, _to_bare(load))
        try:
            if not warm and not load.tokens:
                wrk.warm(running.base, load, self.plan.folder)
            measured, broken = self._measured(load, running, connections, seconds)
        except LoadFailed as error:
            self.figures.miss(error, server, name, connections)
            return None
        row = self.figures.row(server, name, connections)
        row.add(measured, None if server == BARE else self.bare.get(connections))
        row.broken += broken
        return measured

    def _measured(
        self, load: Load, running: Running, connections: int, seconds: float | None
    ) -> tuple[Measured, int]:
        seconds, database = seconds or self.plan.seconds, running.site.database
        running.settle()
        spent, spent_there = cpu(running.pid), cpu(database) if database else 0.0
        answered = wrk.run(running.base, load, connections, seconds, self.plan.folder)
        cpu_ms = (cpu(running.pid) - spent) * 1000 / answered.requests
        there = (cpu(database) - spent_there) * 1000 / answered.requests if database else None
        return Measured(answered.rate, cpu_ms, answered.p99, there), answered.broken

    @contextmanager
    def attempt(self, server: str, load: str = "") -> Iterator[None]:
        """Go on behind this block if it fails, and remember why."""
        try:
            yield
        except (NotRun, LoadFailed) as error:
            self.figures.miss(error, server, load)
        except Exception as error:  # noqa: BLE001 - one server never ends the run of all
            self.figures.miss(f"{type(error).__name__}: {error}".splitlines()[0], server, load)

    @contextmanager
    def serving(self, name: str, command: Command, site: Site) -> Iterator[Running]:
        """Run *command*, and note what it takes."""
        with running(command, site) as server:
            weight = self.figures.weight(name)
            weight.starts.append(server.took)
            server.settle()
            weight.idle.append(memory(server.pid))
            yield server
            server.settle()
            weight.loaded.append(memory(server.pid))

    def yardstick(self) -> None:
        """Measure the bare server: the ratios of this round are to it."""
        self.bare.clear()
        site = self.plan.site("hello")
        with self.attempt(BARE), self.serving(BARE, hello(site), site) as bare:
            for connections in sorted({*self.plan.connections, CONNECTIONS}):
                self._measure_bare(bare, connections, Load("/"))

    @contextmanager
    def yardstick_beside(self) -> Iterator[None]:
        """Let the bare server run, idle as a rule: each ratio is to what it did a moment before."""
        self.bare.clear()
        site = self.plan.site("hello")
        with self.attempt(BARE), self.serving(BARE, hello(site), site) as bare:
            self.beside = bare
            try:
                yield
            finally:
                self.beside = None

    def _measure_bare(self, bare: Running, connections: int, load: Load) -> None:
        row = HELLO_BESIDE if self.beside else HELLO
        found = self.load(BARE, row, load, bare, connections=connections)
        if found is not None:
            self.bare[connections] = found
            name = f"Share of a core that the bare server got, {row}, {connections} connections"
            self.figures.note(name, "", found.rate * found.cpu_ms / 1000)

    def compare(self, peers: Sequence[Peer], wanted: Collection[str]) -> None:
        """Measure *peers* under the loads *wanted*, in rounds: A B C, A B C, …."""
        sites = {}
        for peer in peers:
            for load, why in peer.lacks.items():
                self.figures.miss(why, peer.name, load)
            with self.attempt(peer.name):
                site = self.install(peer)
                peer.begin(site)
                sites[peer] = site
        for number in range(self.plan.rounds):
            say(f"peers, round {number + 1} of {self.plan.rounds}")
            self.yardstick()
            for peer, site in sites.items():
                say(f"  {peer.name}")
                with (
                    self.attempt(peer.name),
                    self.serving(peer.name, peer.command(site), site) as server,
                ):
                    self._round(peer, wanted, server)

    def _round(self, peer: Peer, wanted: Collection[str], server: Running) -> None:
        """Put *peer* under its loads, once each."""
        loads = prepared(peer, server.site)
        for name in (name for name in loads if name in wanted):
            if name == LOGIN:
                many, seconds = [LOGIN_CONNECTIONS], LOGIN_SECONDS
            else:
                many, seconds = list(self.plan.connections), self.plan.seconds
            for place, connections in enumerate(many):
                self.load(
                    peer.name,
                    name,
                    loads[name],
                    server,
                    connections=connections,
                    seconds=seconds,
                    warm=place > 0,
                )


def _to_bare(load: Load) -> Load:
    """Return what the bare server is asked to compare with *load*: the same, if it has no body."""
    if load.method != "GET":
        return Load("/")
    return replace(load, path="/", again=True)


def prepared(peer: Peer, site: Site) -> Mapping[str, Load]:
    """Return the loads of *peer*, which runs; raises NotRun where it gives no token."""
    try:
        return asyncio.run(asyncio.wait_for(peer.prepare(site), PREPARING))
    except Exception as error:
        raise NotRun(f"no token could be got: {error!r}") from error


def say(what: str) -> None:
    """Tell who waits what is being done, and how long all has taken."""
    minutes, seconds = divmod(int(time.monotonic() - BEGUN), 60)
    print(f"{minutes:2}:{seconds:02} {what}", file=sys.stderr, flush=True)
