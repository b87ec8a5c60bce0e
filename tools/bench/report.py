"""The figures as a document."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from dhq_auth.clock import utcnow
from tools.bench.figures import BARE, Figures, spread
from tools.bench.measure import CONNECTIONS, HELLO, LOGIN_CONNECTIONS, Plan
from tools.bench.own import verdicts
from tools.bench.own.instance import DATABASES
from tools.bench.peers.peer import CHECK, ISSUE, KEYS, LOGIN, Peer
from tools.bench.tables import MEASURED, figures_of, middle, not_run, number, table, weights

TITLES: Final = {
    CHECK: "Validate a token",
    ISSUE: "Issue a token for a known user",
    KEYS: "Fetch the keys",
    LOGIN: "Log in with a password",
}
HEAD: Final = """\
# Benchmarks

Written by `make bench`; no figure here was typed. All was measured on one machine, which has to make
the load, too, over loopback, one server under load at a time, in {rounds} interleaved rounds of {seconds} s per figure, after
a moment that is not counted. A cell has the median of the rounds, and behind ± half the way from the
least to the greatest. *Of bare* is the ratio to a bare aiohttp + uvloop "hello" of the same round and of
as many connections, which for *dhq-auth by itself* gets the same requests a moment before: by requests per
second, and *by CPU*, that of the bare server for a request over that of this one; more is better in both.
CPU is that of the server with all its processes over the
requests of the round, in steps of 10 ms in all: where others use the machine it is the steadier figure.

{machine}
"""
ALIKE: Final = """\
Each server has {processes}, its settings for production, no access log, and SQLite. Its token comes from
its ordinary flow. They do not do the same: what each does stands in the table. Limits of rates are off,
since one address asks for everybody.
"""
HASH: Final = """\
Argon2id with 3 passes over 64 MiB and one lane; who hashes otherwise is left out. In how many threads
they hash is each server's own: ours leaves a core to those who do not log in.
"""
SIZES: Final = """\
Memory counts pages that processes share once (PSS). On the disk is what the packages of the server take,
without Python, Node or Debian's libraries, and without what only builds or installs (pip, setuptools,
sources and objects of compiled modules).
"""
GOALS: Final = """\
One process and 32 connections, unless it says otherwise. A goal is met if the ratio by requests per second
reaches it, or that by CPU per request: the load itself needs a core of the same machine ({cores} in all),
and where two processes, or signing in threads, want all of them, the ratio by requests per second says
what the machine allowed. *Raw signatures* are what one thread of `cryptography` makes by RSA-2048 in the
same round; the *bare hash* is Argon2id at our cost in as many threads as the service hashes in.
Where the bare server got much less than a core (the last table says how much), it waited for the load or
for others, and the ratio by requests per second flatters: then believe that by CPU.
"""
DATABASE: Final = """\
{versions}. PostgreSQL is on the same machine. Its CPU is not in *CPU ms per request*, which is that of dhq-auth alone;
it stands in the last column, with all that the database server did in that time. Where users are read for the
first time, 1,000 users have five sessions each, and 1,000,000 have one, of which as many are read.
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """What it was measured on, and with."""

    cpu: str
    cores: int
    memory: float
    system: str
    python: str
    node: str
    wrk: str

    @classmethod
    def here(cls, wrk: str, node: str) -> Self:
        """Return this machine."""
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
        system = f"{platform.system()} {platform.release()}"
        model, cores = found[1] if found else platform.machine(), os.cpu_count() or 1
        return cls(model, cores, memory, system, platform.python_version(), node, wrk)

    def __str__(self) -> str:
        return (
            f"{utcnow():%Y-%m-%d}: {self.cpu}, {self.cores} cores, {self.memory:.0f} GiB, "
            f"{self.system}, CPython {self.python}, Node {self.node}, wrk {self.wrk}."
        )


def _load(figures: Figures, name: str, connections: int, peers: Sequence[Peer]) -> list[str]:
    """Return the table of a load: who was measured, the fastest first, and why others were not."""
    names = [peer.name for peer in peers]
    rows = [row for row in figures.of(name, connections) if row.server in names]
    if not rows:
        return []
    shown = [[row.server, *figures_of(row)] for row in rows]
    for missing in sorted(set(names) - {row.server for row in rows}, key=names.index):
        why = figures.why(missing, name, connections) or "nothing was measured"
        shown.append([missing, *not_run(why, len(MEASURED))])
    bare = figures.rows.get(f"{BARE}|{HELLO}|{connections}")
    if bare and bare.rates:
        shown.append([f"*{BARE}*", *figures_of(bare)])
    lines = [f"**{connections} connection{'s' * (connections > 1)}**", ""]
    return [*lines, *table(("", *MEASURED), shown)]


def _peers(figures: Figures, peers: Sequence[Peer], plan: Plan) -> list[str]:
    one = plan.processes == 1
    lines = ["## Beside its peers", "", "![At a glance](benchmarks.svg)", ""]
    lines += [ALIKE.format(processes="one process" if one else f"{plan.processes} processes")]
    lines += table(
        ("server", "version", "how"), ([p.name, p.version, p.runs] for p in peers), words=3
    )
    leads = [
        [title, found]
        for name, title in TITLES.items()
        if (found := verdicts.first(figures, name, _connections(name, [CONNECTIONS])[0]))
    ]
    if leads:
        lines += table(("what", "first, and how far before the next"), leads, words=2)
    for name, title in TITLES.items():
        counts = _connections(name, plan.connections)
        if tables := [line for n in counts for line in _load(figures, name, n, peers)]:
            lines += [f"### {title}", "", *tables]
            lines += [HASH] * (name == LOGIN)
    lines += ["### Start and size", "", SIZES]
    return [*lines, *weights(figures, [BARE, *(peer.name for peer in peers)])]


def _connections(load: str, others: Sequence[int]) -> Sequence[int]:
    return [LOGIN_CONNECTIONS] if load == LOGIN else others


def _own(figures: Figures, machine: Machine) -> list[str]:
    own = [row for row in figures.rows.values() if row.server.startswith("dhq-auth, ")]
    if not own:
        return []
    lines = ["## Goals", "", GOALS.format(cores=machine.cores)]
    head = ("what", "goal", *DATABASES)
    lines += table(head, verdicts.table(figures), words=4)
    versions = ", ".join(f"{name} {version}" for name, version in figures.versions.items())
    lines += ["## dhq-auth by itself", "", DATABASE.format(versions=versions)]
    loads = dict.fromkeys(row.load for row in own)
    rows = [
        [name, row.server.partition(", ")[2], *figures_of(row), middle(row.database_ms)]
        for name in loads
        for row in own
        if row.load == name
    ]
    lines += table(("what", "database", *MEASURED, "CPU ms of PostgreSQL"), rows, words=2)
    servers = dict.fromkeys(row.server for row in own)
    return [*lines, "### Its start and its memory", "", *weights(figures, [BARE, *servers])]


def _comparisons(figures: Figures) -> list[str]:
    """Return every ratio of the goals with its spread, and the figures of a kind of their own."""
    rows = [
        [
            each.goal,
            each.database,
            f"by {way}" if each.by_cpu else "",
            *(number(n) for n in _three(values)),
        ]
        for each in figures.comparisons.values()
        for way, values in (("rate", each.by_rate), ("CPU", each.by_cpu))
        if values
    ]
    rows += [
        [note.name, "", note.unit, *(number(n) for n in _three(note.values))]
        for note in figures.notes.values()
    ]
    if not rows:
        return []
    head = ("what", "database", "", "median", "least", "greatest")
    return ["### Yardsticks and ratios of the same round", "", *table(head, rows, words=3)]


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    found = spread(values)
    return found.median, found.least, found.greatest


def _failures(figures: Figures, peers: Sequence[Peer]) -> list[str]:
    """Return what failed that stands in no table above, and whose connections broke."""
    planned = {(peer.name, load) for peer in peers for load in peer.lacks}
    missing = [each for each in figures.missing.values() if (each.server, each.load) not in planned]
    lines = []
    if missing:
        lines += ["## Not run, or not in every round", ""]
        for each in missing:
            count = f"{each.connections} connections" if each.connections else ""
            place = ", ".join(word for word in (each.server, each.load, count) if word)
            lines += [f"- {place}: {each.why}"]
        lines += [""]
    if torn := [row for row in figures.rows.values() if row.broken]:
        lines += ["## Connections that broke", ""]
        lines += [f"- {r.server}, {r.load}, {r.connections} connections: {r.broken}" for r in torn]
        lines += [""]
    return lines


def markdown(figures: Figures, machine: Machine, peers: Sequence[Peer], plan: Plan) -> str:
    """Return the whole document."""
    lines = [HEAD.format(rounds=plan.rounds, seconds=plan.seconds, machine=machine)]
    if peers:
        lines += _peers(figures, peers, plan)
    lines += [*_own(figures, machine), *_comparisons(figures), *_failures(figures, peers)]
    return "\n".join(lines).rstrip() + "\n"
