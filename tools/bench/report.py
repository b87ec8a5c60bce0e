"""The figures as a document."""

import os
import platform
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from dhq_auth.clock import utcnow
from tools.bench.figures import BARE, Figures, Note, Row, Weight, spread
from tools.bench.measure import LOGIN_CONNECTIONS, Plan
from tools.bench.peers.peer import CHECK, ISSUE, KEYS, LOGIN, Peer

NOTHING: Final = "-"
TITLES: Final = {
    CHECK: "Validate a token",
    ISSUE: "Issue a token for a known user",
    KEYS: "Fetch the keys",
    LOGIN: "Log in with a password",
}
HEAD: Final = """\
# Benchmarks

Written by `make bench`; no figure here was typed. All of it was measured on one machine, over loopback,
one server at a time, in {rounds} interleaved rounds of {seconds} s per figure. A cell has the median of the
rounds, and behind ± half the way from the least to the greatest. *Of bare* is the ratio to a bare
aiohttp + uvloop "hello" of the same round. CPU is that of the server with all its processes (not of
PostgreSQL) over the requests of the round: on a machine that others use it is the steadier figure.

{machine}
"""
ALIKE: Final = """\
Each server has {processes}, its settings for production, no access log, and SQLite. Its token comes from
its ordinary flow. They do not do the same: what each does stands in the table.
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """What it was measured on, and with."""

    cpu: str
    cores: int
    memory: float
    system: str
    python: str
    wrk: str

    @classmethod
    def here(cls, wrk: str) -> Self:
        """Return this machine."""
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
        system = f"{platform.system()} {platform.release()}"
        model, cores = found[1] if found else platform.machine(), os.cpu_count() or 1
        return cls(model, cores, memory, system, platform.python_version(), wrk)

    def __str__(self) -> str:
        return (
            f"{utcnow():%Y-%m-%d}: {self.cpu}, {self.cores} cores, "
            f"{self.memory:.0f} GiB, {self.system}, CPython {self.python}, wrk {self.wrk} "
            "on the same machine."
        )


def number(value: float) -> str:
    """Return *value* as a person reads it: three digits that count."""
    if value != value:  # noqa: PLR0124 - not a number
        return NOTHING
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def cell(values: Sequence[float]) -> str:
    """Return the median of *values* and their spread."""
    if not values:
        return NOTHING
    found = spread(values)
    return f"{number(found.median)} ± {found.width:.0%}"


def middle(values: Sequence[float]) -> str:
    """Return the median of *values* alone."""
    return number(statistics.median(values)) if values else NOTHING


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table: the first column is text, the others are figures."""
    line = "|---|" + "---:|" * (len(head) - 1)
    return [f"| {' | '.join(head)} |", line, *(f"| {' | '.join(row)} |" for row in rows), ""]


def figures_of(row: Row) -> list[str]:
    """Return the cells of *row* behind its name."""
    return [cell(row.rates), middle(row.ratios), middle(row.cpu_ms), middle(row.p99_ms)]


MEASURED: Final = ("requests/s", "of bare", "CPU ms per request", "p99 ms")


def _load(figures: Figures, name: str, connections: int, hidden: Sequence[str]) -> list[str]:
    rows = [row for row in figures.of(name, connections) if row.server not in hidden]
    if not rows:
        return []
    lines = [f"**{connections} connection{'s' * (connections > 1)}**", ""]
    return [*lines, *table(("", *MEASURED), ([row.server, *figures_of(row)] for row in rows))]


def _peers(figures: Figures, peers: Sequence[Peer], plan: Plan) -> list[str]:
    one = plan.processes == 1
    lines = ["## Beside its peers", "", "![At a glance](benchmarks.svg)", ""]
    lines += [ALIKE.format(processes="one process" if one else f"{plan.processes} processes")]
    names = [peer.name for peer in peers]
    lines += table(("server", "version", "how"), ([p.name, p.version, p.runs] for p in peers))
    unequal = [peer.name for peer in peers if not peer.equal_hash]
    for name, title in TITLES.items():
        connections = [LOGIN_CONNECTIONS] if name == LOGIN else plan.connections
        tables = [
            line for n in connections for line in _load(figures, name, n, unequal * (name == LOGIN))
        ]
        if tables:
            lines += [f"### {title}", "", *tables]
            if name == LOGIN:
                lines += [
                    "Argon2id with 3 passes over 64 MiB and one lane; who hashes otherwise is left out.",
                    "",
                ]
    lines += ["### Start and size", "", *_weights(figures, [BARE, *names])]
    return lines


def _weights(figures: Figures, names: Iterable[str]) -> list[str]:
    def row(weight: Weight) -> list[str]:
        size = number(weight.installed) if weight.installed else NOTHING
        return [
            f"{weight.server} {weight.version}".strip(),
            cell(weight.starts),
            middle(weight.idle),
            number(max(weight.loaded)) if weight.loaded else NOTHING,
            size,
        ]

    found = (figures.weights[name] for name in names if name in figures.weights)
    head = ("", "s to the first 200", "MiB idle", "MiB after all loads", "MiB on the disk")
    return table(head, map(row, found))


def _goals(figures: Figures) -> list[str]:
    own = [row for row in figures.rows.values() if row.server.startswith("dhq-auth, ")]
    if not own:
        return []
    lines = ["## dhq-auth by itself", ""]
    lines += [
        "One process and 32 connections, unless it says otherwise. PostgreSQL is on the same machine.",
        "",
    ]
    loads = dict.fromkeys(row.load for row in own)
    rows = [
        [name, row.server.partition(", ")[2], *figures_of(row)]
        for name in loads
        for row in own
        if row.load == name
    ]
    lines += table(("what", "database", *MEASURED), rows)
    servers = dict.fromkeys(row.server for row in own)
    lines += ["### Its start and its memory", "", *_weights(figures, [BARE, *servers])]
    return lines


def _notes(notes: Iterable[Note]) -> list[str]:
    def row(note: Note) -> list[str]:
        found = spread(note.values)
        unit = f" {note.unit}" if note.unit else ""
        return [
            note.name,
            f"{number(found.median)}{unit}",
            number(found.least),
            number(found.greatest),
        ]

    rows = [row(note) for note in notes]
    if not rows:
        return []
    head = ("what", "median", "least", "greatest")
    return ["### Ratios, of the same round each", "", *table(head, rows)]


def markdown(figures: Figures, machine: Machine, peers: Sequence[Peer], plan: Plan) -> str:
    """Return the whole document."""
    lines = [HEAD.format(rounds=plan.rounds, seconds=plan.seconds, machine=machine)]
    if peers:
        lines += _peers(figures, peers, plan)
    lines += [*_goals(figures), *_notes(figures.notes.values())]
    if figures.not_run:
        lines += ["## Not run", ""]
        lines += [f"- {name}: {why}" for name, why in figures.not_run.items()]
        lines += [""]
    if torn := [row for row in figures.rows.values() if row.broken]:
        lines += ["## Connections that broke", ""]
        lines += [f"- {r.server}, {r.load}, {r.connections} connections: {r.broken}" for r in torn]
        lines += [""]
    return "\n".join(lines).rstrip() + "\n"
