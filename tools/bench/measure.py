"""One server under its loads, and the yardstick beside it."""

import asyncio
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tools.bench import wrk
from tools.bench.figures import BARE, Figures
from tools.bench.peers.peer import LOGIN, ROOT, Peer, Site
from tools.bench.process import (
    Command,
    NotRun,
    Running,
    cpu,
    free_port,
    memory,
    running,
    settle,
    size,
)
from tools.bench.wrk import Load, LoadFailed

HELLO: Final = "hello"
LOGIN_CONNECTIONS: Final = 4
LOGIN_SECONDS: Final = 4
"""A password is hashed a few times in a second."""


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

    def wants(self, name: str) -> bool:
        """Whether *name*, a load or a chapter, is to be measured."""
        return not self.only or name in self.only

    def site(self, server: str, processes: int | None = None) -> Site:
        """Return a place for *server*, with an empty folder."""
        plain = server.replace(" ", "-")
        folder = Path(tempfile.mkdtemp(prefix=f"{plain}-", dir=self.folder))
        home = self.home / plain
        number = processes or self.processes
        return Site(home=home, folder=folder, port=free_port(), processes=number)


@dataclass(slots=True)
class Bench:
    """What is measured goes into *figures*; *bare* are the yardstick's rates of this round."""

    plan: Plan
    figures: Figures = field(default_factory=Figures)
    bare: dict[int, float] = field(default_factory=dict)

    def load(
        self,
        server: str,
        name: str,
        load: Load,
        running: Running,
        *,
        connections: int,
        seconds: float | None = None,
    ) -> float:
        """Measure *server* under *load*; return the requests per second, 0 where they failed."""
        settle(running.pid)
        before = cpu(running.pid)
        seconds = seconds or self.plan.seconds
        try:
            answered = wrk.run(running.base, load, connections, seconds, self.plan.folder)
        except LoadFailed as error:
            self.figures.not_run[f"{server}, {name}, {connections} connections"] = str(error)
            return 0.0
        row = self.figures.row(server, name, connections)
        row.rates.append(answered.rate)
        if self.bare.get(connections):
            row.ratios.append(answered.rate / self.bare[connections])
        row.cpu_ms.append((cpu(running.pid) - before) * 1000 / answered.requests)
        row.p99_ms.append(answered.p99)
        row.broken += answered.broken
        return answered.rate

    def yardstick(self) -> None:
        """Measure the bare server: the ratios of this round are to it."""
        site = self.plan.site("hello")
        with running(hello(site), site.port, site.folder / "log") as bare:
            self.figures.weight(BARE).starts.append(bare.took)
            self.figures.weight(BARE).idle.append(memory(bare.pid))
            for connections in sorted({*self.plan.connections, 32}):
                rate = self.load(BARE, HELLO, Load("/"), bare, connections=connections)
                self.bare[connections] = rate
            self.figures.weight(BARE).loaded.append(memory(bare.pid))

    @contextmanager
    def serving(self, name: str, peer: Peer, site: Site) -> Iterator[Running]:
        """Run *peer*, and note what it takes."""
        with running(peer.command(site), site.port, site.folder / "log") as server:
            weight = self.figures.weight(name, peer.version)
            weight.starts.append(server.took)
            weight.idle.append(memory(server.pid))
            yield server
            weight.loaded.append(memory(server.pid))

    def compare(self, peers: Sequence[Peer], wanted: Collection[str]) -> None:
        """Measure *peers* under the loads *wanted*, in rounds: A B C, A B C, …."""
        sites = {peer.name: site for peer in peers if (site := self._installed(peer))}
        for number in range(self.plan.rounds):
            say(f"peers, round {number + 1} of {self.plan.rounds}")
            self.yardstick()
            for peer in peers:
                if peer.name in sites:
                    self._round(peer, sites[peer.name], wanted)

    def _installed(self, peer: Peer) -> Site | None:
        """Install *peer* and make what it needs; None, and why, where that cannot be."""
        say(f"installing {peer.name} {peer.version}")
        site = self.plan.site(peer.name)
        try:
            peer.install(site.home)
            peer.begin(site)
        except NotRun as error:
            self.figures.not_run[peer.name] = str(error)
            return None
        return site

    def _round(self, peer: Peer, site: Site, wanted: Collection[str]) -> None:
        try:
            with self.serving(peer.name, peer, site) as server:
                self._loads(peer, asyncio.run(peer.prepare(site)), wanted, server)
            self.figures.weight(peer.name).installed = size(peer.parts(site.home))
        except NotRun as error:
            self.figures.not_run[peer.name] = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it answered was not what it should be
            self.figures.not_run[peer.name] = f"no token could be got: {error!r}"

    def _loads(
        self, peer: Peer, loads: Mapping[str, Load], wanted: Collection[str], server: Running
    ) -> None:
        for name in (name for name in loads if name in wanted):
            if name == LOGIN:
                self.load(
                    peer.name,
                    name,
                    loads[name],
                    server,
                    connections=LOGIN_CONNECTIONS,
                    seconds=LOGIN_SECONDS,
                )
                continue
            for connections in self.plan.connections:
                self.load(peer.name, name, loads[name], server, connections=connections)


def hello(site: Site) -> Command:
    """Return how to start the yardstick."""
    argv = [sys.executable, str(ROOT / "tools/bench/hello.py"), str(site.port)]
    return Command(argv=argv, ready="/", cwd=site.folder)


def say(what: str) -> None:
    """Tell who waits what is being done."""
    print(what, file=sys.stderr, flush=True)
